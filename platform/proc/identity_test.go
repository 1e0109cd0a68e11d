//go:build linux || darwin || freebsd || windows

package proc_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

func mustOf(t *testing.T, pid int) proc.Identity {
	t.Helper()
	id, err := proc.Of(pid)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSelfIsAliveAndSurvivesJSON(t *testing.T) {
	self, err := proc.Self()
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Stat(self.Exe)
	if err != nil {
		t.Fatal(err)
	}
	path, _ := os.Executable()
	if here, _ := os.Stat(path); self.PID != os.Getpid() || self.Start == 0 || self.Boot == "" || !os.SameFile(here, exe) {
		t.Errorf("self is %+v, executable %s", self, path)
	}
	b, _ := json.Marshal(self)
	var back proc.Identity
	if err := json.Unmarshal(b, &back); err != nil || !back.Same(self) {
		t.Errorf("%s came back as %+v (%v)", b, back, err)
	}
	if alive, err := back.Alive(); !alive || err != nil {
		t.Errorf("we are not alive: %v %v", alive, err)
	}
}

// The number belongs to another process now: everything is equal but one field.
func TestReusedNumberIsNotTheProcess(t *testing.T) {
	cmd := child(t, "linger").Cmd
	actual := mustOf(t, cmd.Process.Pid)
	for name, change := range map[string]func(*proc.Identity){
		"start time": func(id *proc.Identity) { id.Start-- },
		"boot":       func(id *proc.Identity) { id.Boot = "2b3f…another boot" },
	} {
		t.Run(name, func(t *testing.T) {
			old := actual
			change(&old)
			if alive, err := old.Alive(); alive || err != nil {
				t.Errorf("alive=%v err=%v, want false", alive, err)
			}
			if err := old.Signal(syscall.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("signal: %v, want ErrProcessDone", err)
			}
			if alive, _ := actual.Alive(); !alive {
				t.Fatal("the foreign process was hit")
			}
		})
	}
}

// An upgrade renames or replaces the file under the process: see issue 11.
func TestIssue11_TheImageIsForPeople(t *testing.T) {
	actual := mustOf(t, child(t, "linger").Process.Pid)
	for _, path := range []string{"", actual.Exe + ".old", "/usr/sbin/nfsd"} {
		moved := actual
		moved.Exe = path
		if alive, err := moved.Alive(); !alive || err != nil || !actual.Same(moved) || !moved.Same(actual) {
			t.Errorf("executed as %q: alive=%v err=%v", path, alive, err)
		}
	}
}

func TestAnotherNamespaceCannotBeTold(t *testing.T) {
	self, err := proc.Self()
	if err != nil {
		t.Fatal(err)
	}
	if self.Space == "" {
		t.Skip("this system has one space of process numbers")
	}
	self.Space = "pid:[1]"
	if _, err := self.Alive(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want fs.ErrPermission: a number of another namespace says nothing here", err)
	}
	if err := self.Signal(syscall.SIGKILL); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("signal: %v, want fs.ErrPermission", err)
	}
}

func TestZombieAndReapedAreGone(t *testing.T) {
	cmd := child(t, "linger").Cmd
	id := mustOf(t, cmd.Process.Pid)
	if err := id.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := id.Wait(ctx); err != nil { // nobody has reaped it yet
		t.Fatalf("zombie: %v", err)
	}
	_ = cmd.Wait()
	if alive, err := id.Alive(); alive || err != nil {
		t.Errorf("reaped: alive=%v err=%v", alive, err)
	}
	if err := id.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal: %v", err)
	}
}

func TestOwnerIsOurUser(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{os.Getpid(), child(t, "linger").Process.Pid} {
		if uid, err := proc.Owner(pid); err != nil || uid != me.Uid {
			t.Errorf("%d: %q, %v, want %s", pid, uid, err, me.Uid)
		}
	}
}

func TestSameBoot(t *testing.T) {
	self := mustOf(t, os.Getpid())
	if !self.SameBoot(self) || !self.SameBoot(mustOf(t, child(t, "linger").Process.Pid)) {
		t.Error("processes of now are taken for those of another boot")
	}
	old := self
	old.Boot, old.Start = "another", 1
	if self.SameBoot(old) {
		t.Error("a process of another boot is taken for one of ours")
	}
	if old.Boot = self.Boot; runtime.GOOS == "windows" && self.SameBoot(old) {
		t.Error("a process of 1601 is taken for one of this boot")
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	id := mustOf(t, child(t, "linger").Process.Pid)
	cause := errors.New("grace period over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := id.Wait(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestNoSuchProcess(t *testing.T) {
	for _, pid := range []int{0, -1, -4711, 1<<31 - 2} {
		if _, err := proc.Of(pid); !errors.Is(err, proc.ErrGone) {
			t.Errorf("Of(%d): %v, want ErrGone", pid, err)
		}
		if alive, err := (proc.Identity{PID: pid}).Alive(); alive || err != nil {
			t.Errorf("%d: alive=%v err=%v", pid, alive, err)
		}
	}
}

func TestMonotonicIsSharedAndGrows(t *testing.T) {
	a, err := proc.Monotonic()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := proc.Monotonic()
	if a <= 0 || b < a {
		t.Errorf("%v then %v", a, b)
	}
}
