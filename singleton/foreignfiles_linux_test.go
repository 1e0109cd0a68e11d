package singleton_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/singleton"
)

const somebody = 65534

// Root that runs by hand what is another user's writes into that one's files, and
// nobody could tell who it was, or stop it (issue 10).
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
	if info, err := os.Stat(o.LockFile()); err != nil || info.Sys().(*syscall.Stat_t).Uid != somebody {
		t.Fatalf("the record is not the other user's any more: %v", err)
	}
	if h, err := singleton.Probe(o); err != nil || h.PID != a.cmd.Process.Pid {
		t.Errorf("the holder is %v, %v; want process %d", h, err, a.cmd.Process.Pid)
	}
}

// A user who owns the record cannot make a process of root's the holder by handing
// it the file that he has locked.
func TestLockedFileThatWasHandedOverNamesNobody(t *testing.T) {
	o := options(t)
	must(t, acquire(t, o).Release())
	f, err := os.OpenFile(o.MutexFile(), os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	handed := start(t, "linger", o, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{f} })
	if !singleton.LocksItself(os.Getpid(), o.MutexFile()) {
		t.Error("who has locked it does not count")
	}
	must(t, os.Link(o.MutexFile(), o.MutexFile()+".link"))
	if singleton.LocksItself(os.Getpid(), o.MutexFile()) {
		t.Error("a file of two names counts")
	}
	must(t, os.Remove(o.MutexFile()+".link"))
	if singleton.LocksItself(handed.cmd.Process.Pid, o.MutexFile()) {
		t.Error("who was handed it counts")
	}
}
