//go:build unix

package alarm_test

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// descriptors are those that this program has beside its standard ones, and whose number
// is one that nothing of Go's own opens.
func descriptors() (all []string) {
	for fd := 50; fd < 200; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			all = append(all, fmt.Sprint(fd))
		}
	}
	return all
}
