package proc_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A child belongs to the thread that has started it, and its parent is the process.
func TestKin(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := child.Process.Pid
	if got := proc.Parent(pid); got != os.Getpid() {
		t.Errorf("parent %d, want %d", got, os.Getpid())
	}
	threads, err := proc.Threads(os.Getpid())
	if err != nil || !slices.Contains(threads, unix.Gettid()) {
		t.Errorf("threads %v, %v, without %d", threads, err, unix.Gettid())
	}
	for _, thread := range threads {
		pids, err := proc.Children(os.Getpid(), thread)
		if errors.Is(err, fs.ErrNotExist) && thread != unix.Gettid() { // it has ended meanwhile
			continue
		}
		if err != nil || slices.Contains(pids, pid) != (thread == unix.Gettid()) {
			t.Errorf("thread %d: %v, %v", thread, pids, err)
		}
	}
	_ = in.Close()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	if got := proc.Parent(pid); got != 0 {
		t.Errorf("the parent of nobody: %d", got)
	}
	if _, err := proc.Children(os.Getpid(), pid); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
