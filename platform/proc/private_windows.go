package proc

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Private returns the security attributes for a named kernel object that only SYSTEM,
// Administrators and this process's user, its owner, may use. Child processes do not inherit
// the handle. The default of the process token, which applies without them, is often less
// strict for a service.
func Private() (*windows.SecurityAttributes, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("user of this process: %w", err)
	}
	sid := user.User.Sid.String()
	sd, err := windows.SecurityDescriptorFromString("O:" + sid + "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;" + sid + ")")
	if err != nil {
		return nil, fmt.Errorf("security descriptor for %s: %w", sid, err)
	}
	sa := &windows.SecurityAttributes{SecurityDescriptor: sd}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	return sa, nil
}
