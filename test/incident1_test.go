//go:build linux || darwin

package test_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// Cronicle: a PID file survives a power cut, and the kernel gives its number to
// another process.

// strangers returns foreign processes, from an obvious one to one with the same image.
func strangers(t *testing.T, p *place) map[string]*place {
	elsewhere := func(name string) *place {
		stranger := *p
		stranger.exe = filepath.Join(t.TempDir(), name)
		copyFile(t, p.exe, stranger.exe)
		return &stranger
	}
	return map[string]*place{
		"another program":          elsewhere("nfsd"),
		"the same executable name": elsewhere(filepath.Base(p.exe)),
		"the same image":           p,
	}
}

// leftBehind starts the service, kills it, and changes the files that it left so that they
// name the process pid.
func leftBehind(t *testing.T, p *place, pid int) {
	t.Helper()
	a := p.ready(t, plan{})
	a.kill(t)
	must(t, os.WriteFile(p.pidFile(), fmt.Appendln(nil, pid), 0o644))
	record, rest, _ := strings.Cut(content(t, p.lockFile()), "\n")
	var h singleton.Holder
	must(t, json.Unmarshal([]byte(record), &h))
	if h.PID != a.pid {
		t.Fatalf("the record names %d, the killed process was %d", h.PID, a.pid)
	}
	h.PID = pid
	forged, err := json.Marshal(h)
	must(t, err)
	must(t, os.WriteFile(p.lockFile(), []byte(string(forged)+"\n"+rest), 0o644))
}

// "Given a PID file naming a live foreign process, when start, then it runs,
// replaces the file, signals nobody. [...] Given the foreign process has the
// same executable name (or even the same image), its start time or boot id
// tells it apart."
func TestIncident1_StartDespiteALiveForeignPID(t *testing.T) {
	p := newPlace(t)
	for name, stranger := range strangers(t, p) {
		t.Run(name, func(t *testing.T) {
			f := stranger.foreign(t)
			leftBehind(t, p, f.pid)
			a := p.ready(t, plan{})
			p.holds(t, a)
			a.stop(t)
			f.untouched(t)
		})
	}
}

// "Given the same, when `stop`, then "not running" and the foreign process is
// not signalled; `status` is not 0."
func TestIncident1_StopAndStatusDespiteALiveForeignPID(t *testing.T) {
	p := newPlace(t)
	for name, stranger := range strangers(t, p) {
		t.Run(name, func(t *testing.T) {
			f := stranger.foreign(t)
			leftBehind(t, p, f.pid)
			p.do(t, "stop").want(t, 0, "not running", p.pidFile(), strconv.Itoa(f.pid), "left alone")
			p.do(t, "reload").want(t, 1, "not running", "left alone")
			p.do(t, "status").want(t, 1, "dead", strconv.Itoa(f.pid))
			if s := p.status(t, 1); s.PID != 0 || s.Ready {
				t.Errorf("status takes the foreign process for ours: %+v", s)
			}
			f.untouched(t)
		})
	}
}

// "[...] its start time or boot id tells it apart": also while the lock is held, when the
// record is the only evidence.
func TestIncident1_StartTimeOrBootTellsApart(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*proc.Identity)
		known  bool
	}{
		"the truth":            {func(*proc.Identity) {}, true},
		"another start time":   {func(id *proc.Identity) { id.Start-- }, false},
		"another boot":         {func(id *proc.Identity) { id.Boot = "0" + id.Boot[1:] + "0" }, false},
		"its executable moved": {func(id *proc.Identity) { id.Exe += ".old" }, true},
		"a number of nobody":   {func(id *proc.Identity) { id.PID = 1<<31 - 2 }, false},
		"no number":            {func(id *proc.Identity) { id.PID = 0 }, false},
		"all of our processes": {func(id *proc.Identity) { id.PID = -1 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			f := p.foreign(t) // our image, our arguments
			id, err := proc.Of(f.pid)
			must(t, err)
			c.change(&id)
			p.recordAndLock(t, singleton.Holder{Identity: id, UID: os.Geteuid(), Since: time.Now()})

			// In parallel: where the record is useless, each start waits for a better one.
			status, start := p.begin(t, "status", "--json"), p.start(t, plan{})
			if !c.known {
				stop, reload := p.begin(t, "stop"), p.begin(t, "reload")
				stop.end(t).want(t, 1, "cannot be identified", "no process is signalled")
				reload.end(t).want(t, 1, "cannot be identified", "no process is signalled")
			}
			start.end(t).want(t, 75, "already running")
			// Somebody holds the lock, so the service runs. Who holds it, and whether it
			// serves, is not known.
			code := 0
			if !c.known {
				code = 4
			}
			if r := status.report(t, code); (r.PID == f.pid) != c.known {
				t.Errorf("status names %d, the process in question is %d", r.PID, f.pid)
			}
			f.untouched(t)
		})
	}
}

// recordAndLock makes this test hold the lock in the name of h.
func (p *place) recordAndLock(t *testing.T, h singleton.Holder) {
	t.Helper()
	must(t, os.MkdirAll(p.state, 0o755))
	must(t, os.MkdirAll(p.run, 0o755))
	must(t, os.WriteFile(p.pidFile(), fmt.Appendln(nil, h.PID), 0o644))
	record, err := json.Marshal(h)
	must(t, err)
	must(t, os.WriteFile(p.lockFile(), record, 0o644))
	lock, err := os.OpenFile(p.mutexFile(), os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	t.Cleanup(func() { _ = lock.Close() })
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}

// "Given a live instance, when a second start, then non-zero exit, file and
// first instance untouched."
func TestIncident1_SecondStartTouchesNothing(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{})
	before := p.snapshot(t)
	for range 3 {
		p.start(t, plan{}).end(t).want(t, 75, "already running", strconv.Itoa(a.pid))
	}
	before.unchanged(t)
	if s := p.status(t, 0); s.PID != a.pid || !s.Ready {
		t.Errorf("the first instance: %+v", s)
	}
	a.stop(t)
	if got := a.out.text(); got != "start\nstarted\nstop\n" {
		t.Errorf("the first instance's life:\n%s", got)
	}
}

// "The PID file is watched while running: removed or altered by anyone, it is
// logged, alarmed (hook) and restored."
func TestIncident1_PIDFileIsWatched(t *testing.T) {
	// Each damage is one system call, because the service also repairs half-done damage.
	write := func(flag int, text string) func(string) error {
		return func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|flag, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString(text)
			return errors.Join(err, f.Close())
		}
	}
	for name, damage := range map[string]func(path string) error{
		"removed":  os.Remove,
		"emptied":  func(path string) error { return os.Truncate(path, 0) },
		"altered":  write(0, "0"),
		"appended": write(os.O_APPEND, "1\n"),
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+".other", []byte("4711\n"), 0o644), os.Rename(path+".other", path))
		},
		"turned into a link": func(path string) error {
			return errors.Join(os.Symlink("/etc/hostname", path+".other"), os.Rename(path+".other", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			a := p.ready(t, plan{})
			p.damage(t, a, damage)
			p.holds(t, a)
			if info, err := os.Lstat(p.pidFile()); err != nil || info.Mode() != 0o644 {
				t.Errorf("restored as %v, %v", info.Mode(), err)
			}
			p.start(t, plan{}).end(t).want(t, 75, strconv.Itoa(a.pid))
			if got, want := a.out.count("tamper "), 1; got != want {
				t.Errorf("alarmed %d times, want %d", got, want)
			}
			a.stop(t)
			p.clean(t)
		})
	}
}

// damage changes the PID file of a, and waits until a has repaired it by itself and raised an
// alarm.
func (p *place) damage(t *testing.T, a *process, do func(path string) error) {
	t.Helper()
	must(t, do(p.pidFile()))
	if alarm := a.out.await(t, "tamper "); !strings.Contains(alarm, p.pidFile()) || !strings.Contains(alarm, "restored") {
		t.Errorf("the alarm is %q", alarm)
	}
	a.log.await(t, "tampered")
}

// While a PID file is wrong and its owner cannot repair it, no command trusts it.
func TestIncident1_LyingPIDFileIsNotBelieved(t *testing.T) {
	p := newPlace(t)
	a, f := p.ready(t, plan{}), p.foreign(t)
	wait.Pause(t, a.pid)
	must(t, os.WriteFile(p.pidFile(), fmt.Appendln(nil, f.pid), 0o644))
	if s := p.status(t, 0); s.PID != a.pid {
		t.Errorf("status names %d, it is %d", s.PID, a.pid)
	}
	stop := p.begin(t, "stop")
	a.signal(t, syscall.SIGCONT)
	stop.end(t).want(t, 0)
	a.end(t).want(t, 0)
	f.untouched(t)
	p.clean(t)
}
