package singleton_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/singleton"
)

const somebody = 65534

// If root runs a service of another user by hand, it writes to that user's files. Nobody could
// identify or stop that process (issue 10).
func TestIssue10_RootInTheFilesOfAnotherIsKnown(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("root alone can give files away")
	}
	o := options(t)
	must(t, acquire(t, o).Release())
	for _, path := range []string{o.Dir, o.StateDir, o.LockFile(), o.MutexFile()} {
		if path != "" {
			must(t, os.Chown(path, somebody, somebody))
		}
	}
	a := start(t, "hold", o, nil)
	a.expect(t, "held")
	if info, err := os.Stat(o.LockFile()); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("the record is not its holder's: %v", err)
	}
	if h, err := singleton.Probe(o); err != nil || h.PID != a.cmd.Process.Pid {
		t.Errorf("the holder is %v, %v; want process %d", h, err, a.cmd.Process.Pid)
	}
}
