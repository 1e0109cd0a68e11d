package files

import "golang.org/x/sys/windows"

var Descriptor = descriptor

// WritersOf checks a file with the descriptor sddl.
func WritersOf(sddl, me string, leads bool) string {
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return err.Error()
	}
	return writersOf(`C:\x`, sd, me, leads)
}

// TrustDescriptor checks a directory with the descriptor sddl.
func TrustDescriptor(sddl, me string) error {
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return err
	}
	return trustDescriptor(`C:\x`, sd, me)
}

// OwnedDescriptor checks a file with the descriptor sddl. These accounts are trusted in
// addition to administrators.
func OwnedDescriptor(sddl string, believed ...string) error {
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return err
	}
	return ownedDescriptor(`C:\x`, sd, append(believed, administrators...))
}
