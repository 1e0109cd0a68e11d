//go:build unix

package alarm_test

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// descriptors returns the open descriptors of this program besides the standard ones and those
// of Go itself.
func descriptors() (all []string) {
	for fd := 50; fd < 200; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			all = append(all, fmt.Sprint(fd))
		}
	}
	return all
}
