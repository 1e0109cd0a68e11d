package wait_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

const countVariable = "HOLDFAST_TEST_COUNT"

// count is a process whose threads all write, as fast as they can.
func count() {
	for range 3 {
		go func() {
			runtime.LockOSThread()
			for i := 0; ; i++ {
				fmt.Println(i)
			}
		}()
	}
	select {}
}

// kill(2) returns before a process has stopped. Without the wait for its threads, a test that
// paused the worker of a piece of work found it finished.
func TestNothingHappensAfterAPause(t *testing.T) {
	cmd := exec.Command(os.Args[0]) //nolint:gosec // the test itself
	cmd.Env = append(os.Environ(), countVariable+"=yes")
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd.Stdout = file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	size := func() int64 {
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for range 20 {
		before := size()
		wait.Until(t, "it writes", func() bool { return size() > before })
		wait.Pause(t, cmd.Process.Pid)
		paused := size()
		time.Sleep(time.Millisecond) // a chance to write, not a wait
		if now := size(); now != paused {
			t.Fatalf("%d bytes were written after the pause", now-paused)
		}
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMain(m *testing.M) {
	if os.Getenv(countVariable) != "" {
		count()
	}
	os.Exit(m.Run())
}
