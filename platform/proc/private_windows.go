package proc

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Private is what a named object of the kernel gets that is nobody else's: SYSTEM,
// Administrators and our own user, who is its owner, may do everything with it,
// others nothing; and no child inherits the handle. Without it the default of the
// process's token would say, which for a service is often more.
func Private() (*windows.SecurityAttributes, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("our own user: %w", err)
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
