package files

import "golang.org/x/sys/windows"

var Descriptor = descriptor

// TrustDescriptor judges a directory that has the descriptor sddl.
func TrustDescriptor(sddl, me string) error {
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return err
	}
	return trustDescriptor(`C:\x`, sd, me)
}
