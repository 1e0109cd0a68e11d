//go:build unix

package systemd

import "golang.org/x/sys/unix"

// inherited reports whether a descriptor was open before this program began, and makes it
// close-on-exec. What the program, or the runtime of Go, has opened itself is close-on-exec already.
func inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0) //nolint:gosec // a descriptor
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return false
	}
	unix.CloseOnExec(fd)
	return true
}
