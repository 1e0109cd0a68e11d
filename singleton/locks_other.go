//go:build unix && !linux

package singleton

import (
	"errors"
	"os"
	"strconv"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Only Linux shows who has a file locked.
func otherHolder(_, _ *os.File, _ *heldFile) (Holder, bool) { return Holder{}, false }

func lockersOf(*os.File) []locker { return nil }

// mayHold reports whether somebody who has the PID file locked may have written it:
// the number in it is that of a process of the file's owner.
func mayHold(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return true
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	pid, err := writtenPID(file)
	if err != nil {
		return false
	}
	uid, err := proc.Owner(pid)
	return !errors.Is(err, proc.ErrGone) && (err != nil || uid == strconv.Itoa(int(st.Uid)))
}
