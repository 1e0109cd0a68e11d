package cli

import "syscall"

// hasACL reports whether a file has an access control list, acl(5).
func hasACL(path string) bool {
	n, err := syscall.Getxattr(path, "system.posix_acl_access", nil)
	return err == nil && n > 0
}
