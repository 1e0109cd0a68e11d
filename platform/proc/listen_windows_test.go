package proc_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestListenHearsItsOwnRequests(t *testing.T) {
	a, b := child(t, "listen"), child(t, "listen")
	a.says(t, "listening")
	b.says(t, "listening")
	id := mustOf(t, a.Process.Pid)
	must(t, id.Signal(syscall.SIGHUP))
	a.says(t, "hangup")
	must(t, id.Signal(syscall.SIGTERM))
	a.says(t, "terminated")
	must(t, id.Signal(syscall.SIGTERM)) // the impatient second
	a.says(t, "terminated")
	_ = b.stdin.Close()
	b.says(t, "ended: <nil>") // and has heard nothing
	_ = b.Wait()
	if err := mustOf(t, os.Getpid()).Signal(syscall.SIGTERM); !errors.Is(err, proc.ErrDeaf) {
		t.Errorf("a process that does not listen: %v", err)
	}
	if err := id.Signal(syscall.SIGINT); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("SIGINT: %v", err)
	}
}

// Reload requests that nobody receives must not hold up a stop request.
func TestStopIsNotLostBehindReloads(t *testing.T) {
	requests, stop, err := proc.Listen()
	must(t, err)
	self := mustOf(t, os.Getpid())
	for range 1000 {
		must(t, self.Signal(syscall.SIGHUP))
	}
	must(t, self.Signal(syscall.SIGTERM))
	heard := 0
	for sig := range requests {
		if sig == syscall.SIGTERM {
			break
		}
		if heard++; heard > 2 {
			t.Fatal("the storm was not joined")
		}
	}
	for range 2 {
		must(t, stop())
	}
	if err := self.Signal(syscall.SIGTERM); !errors.Is(err, proc.ErrDeaf) {
		t.Errorf("after the end: %v", err)
	}
	_, stop, err = proc.Listen() // the names are free again
	must(t, err)
	must(t, stop())
}

// A request must reach the process that it was verified for. Another process that creates the
// event first could intercept requests.
func TestListenRefusesASquattedName(t *testing.T) {
	self := mustOf(t, os.Getpid())
	name := fmt.Sprintf(`Global\holdfast-%d-%x-reload`, self.PID, self.Start)
	p, err := windows.UTF16PtrFromString(name)
	must(t, err)
	h, err := windows.CreateEvent(nil, 0, 0, p)
	must(t, err)
	_, _, err = proc.Listen()
	if !errors.Is(err, proc.ErrSquatted) || !strings.Contains(err.Error(), name) {
		t.Errorf("got %v", err)
	}
	must(t, windows.CloseHandle(h))
	_, stop, err := proc.Listen()
	must(t, err)
	must(t, stop())
}

// The events are for SYSTEM, Administrators and their owner.
func TestEventsAreNobodyElses(t *testing.T) {
	_, stop, err := proc.Listen()
	must(t, err)
	defer func() { must(t, stop()) }()
	self := mustOf(t, os.Getpid())
	for _, what := range []string{"stop", "reload"} {
		p, err := windows.UTF16PtrFromString(fmt.Sprintf(`Global\holdfast-%d-%x-%s`, self.PID, self.Start, what))
		must(t, err)
		h, err := windows.OpenEvent(windows.READ_CONTROL, false, p)
		must(t, err)
		sd, err := windows.GetSecurityInfo(h, windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
		must(t, err)
		_ = windows.CloseHandle(h)
		me, err := proc.Owner(os.Getpid())
		must(t, err)
		dacl, _, err := sd.DACL()
		must(t, err)
		if got := sd.String(); !strings.HasPrefix(got, "O:") || dacl.AceCount != 3 || !strings.Contains(got, ";;;SY)") || !strings.Contains(got, ";;;BA)") {
			t.Errorf("%s: %s, we are %s", what, got, me)
		}
	}
}

// An open handle keeps the number of a process that has ended.
func TestEndedButOpenIsGone(t *testing.T) {
	p := child(t, "linger")
	id := mustOf(t, p.Process.Pid)
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(id.PID))
	must(t, err)
	defer func() { _ = windows.CloseHandle(h) }()
	_ = p.stdin.Close()
	_ = p.Wait()
	if _, err := proc.Of(id.PID); !errors.Is(err, proc.ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
	if err := id.Signal(syscall.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("kill: %v", err)
	}
}

// Windows ignores the last two bits of a number.
func TestNumbersBetweenAreNobodys(t *testing.T) {
	for off := 1; off < 4; off++ {
		if id, err := proc.Of(os.Getpid() + off); !errors.Is(err, proc.ErrGone) {
			t.Errorf("%d is %+v, %v", os.Getpid()+off, id, err)
		}
	}
}

// A process that cannot be opened is found in the list of processes.
func TestListedIsTheSameProcess(t *testing.T) {
	p := child(t, "linger")
	opened := mustOf(t, p.Process.Pid)
	listed, err := proc.Listed(p.Process.Pid)
	if err != nil || !listed.Same(opened) || listed.Exe != "" {
		t.Errorf("%+v, %v, opened as %+v", listed, err, opened)
	}
	if id, err := proc.Listed(os.Getpid() + 1); !errors.Is(err, proc.ErrGone) {
		t.Errorf("a number that is nobody's: %+v, %v", id, err)
	}
	_ = p.stdin.Close()
	_ = p.Wait()
	if _, err := proc.Listed(opened.PID); !errors.Is(err, proc.ErrGone) {
		t.Errorf("after its end: %v", err)
	}
}

// An upgrade moves the image of the running program aside.
func TestImageMovedAside(t *testing.T) {
	exe, err := os.Executable()
	must(t, err)
	path := filepath.Join(t.TempDir(), "with a space.exe")
	copyFile(t, exe, path)
	p := run(t, path, "linger")
	before := mustOf(t, p.Process.Pid)
	if !strings.EqualFold(filepath.Base(before.Exe), "with a space.exe") {
		t.Errorf("image is %s, want %s", before.Exe, path)
	}
	must(t, os.Rename(path, path+".old"))
	if after := mustOf(t, p.Process.Pid); !before.Same(after) {
		t.Errorf("%+v became %+v", before, after)
	}
	before.Exe = path + ".old" // as systems do that let the path follow the file
	if alive, err := before.Alive(); !alive || err != nil {
		t.Errorf("alive=%v err=%v", alive, err)
	}
	_ = p.stdin.Close()
	_ = p.Wait()
	// An image that is in use cannot be removed, and for a moment after its end.
	for deadline := time.Now().Add(10 * time.Second); os.Remove(path+".old") != nil && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, errors.Join(err, out.Close()))
}
