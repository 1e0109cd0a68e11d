package proc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A stop returned when its service had ended, but before init had reaped it. pgrep and kill -0
// still saw the process (TestScriptsForcedStop, TestOpenRCStates).
func TestAnOrphanIsWaitedForUntilItIsReaped(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("unshare", "--pid", "--mount", "--fork", "--mount-proc", os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=init")
	out, err := cmd.CombinedOutput()
	if !strings.Contains(string(out), "process 1:") {
		t.Skipf("no namespace of processes here: %v: %s", err, out)
	}
	if want := "process 1: reaped later: <nil>, no such process; never reaped: <nil>, <nil>\n"; err != nil || string(out) != want {
		t.Errorf("%v\ngot  %swant %s", err, out, want)
	}
}

// beInit plays a process 1 that reaps late, and later not at all.
func beInit() {
	orphan := func() proc.Identity {
		out, err := exec.Command("sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!").Output()
		pid, e := strconv.Atoi(strings.TrimSpace(string(out)))
		id, gone := proc.Of(pid)
		if err := errors.Join(err, e, gone, syscall.Kill(pid, syscall.SIGKILL), id.Wait(context.Background())); err != nil {
			panic(err)
		}
		return id
	}
	late := orphan()
	go func() {
		time.Sleep(50 * time.Millisecond) // it is to be early that fails
		_, _ = syscall.Wait4(late.PID, nil, 0, nil)
	}()
	lateErr := late.WaitReaped(context.Background())
	lateSeen := syscall.Kill(late.PID, 0)
	never := orphan()
	fmt.Printf("process 1: reaped later: %v, %v; never reaped: %v, %v\n", lateErr, lateSeen, never.WaitReaped(context.Background()), syscall.Kill(never.PID, 0))
}
