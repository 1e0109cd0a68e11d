package etcd_test

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// shiftVariable has the boot time at which a process has started itself again: see shift.
const shiftVariable = "HOLDFAST_SHIFTED_AT"

// shift moves this process to a machine that was booted earlier, as far as its monotonic and
// its boot clock can tell: to a time namespace, in which it begins anew. It returns by how much
// the clocks are ahead, which is nothing on a machine that does not permit it.
func shift(ahead time.Duration) time.Duration {
	if ahead == 0 {
		return 0
	}
	now, err := proc.Boottime()
	if err != nil {
		return 0
	}
	if text, ok := os.LookupEnv(shiftVariable); ok {
		before, err := time.ParseDuration(text)
		if err != nil || now < before+ahead {
			return 0
		}
		return ahead
	}
	runtime.LockOSThread() // a namespace is one of a thread, and so is the file
	defer runtime.UnlockOSThread()
	if unix.Unshare(unix.CLONE_NEWTIME) != nil {
		return 0
	}
	offsets := fmt.Appendf(nil, "monotonic %d 0\nboottime %[1]d 0\n", int(ahead/time.Second))
	if os.WriteFile(fmt.Sprintf("/proc/%d/timens_offsets", unix.Gettid()), offsets, 0) != nil {
		return 0
	}
	err = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), shiftVariable+"="+now.String())) //nolint:gosec // itself
	panic(err)
}
