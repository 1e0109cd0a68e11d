//go:build linux || darwin

package test_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// http-capture: started by hand, and again by supervisor, on 12 machines.

// "Given an instance started by hand, when the manager starts the service, then
// the second refuses, the manager does not restart-loop, and `status` names the
// holder (pid, user, since when, by hand or by which manager)." The manager here
// is what a process can tell of it, a shell that executes the service as systemd
// does; exit code 75 is what keeps the real one from trying again.
func TestIncident3_StatusNamesTheHolder(t *testing.T) {
	p := newPlace(t)
	byManager := *p
	byManager.through = []string{"/bin/sh", "-c", `SYSTEMD_EXEC_PID=$$ exec "$0" "$@"`}
	for name, c := range map[string]struct {
		first, second *place
		origin        string
	}{
		"by hand, then the manager": {p, &byManager, "hand"},
		"the manager, then by hand": {&byManager, p, "systemd"},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			a := c.first.ready(t, plan{})
			b := c.second.start(t, plan{})
			b.end(t).want(t, 75, "already running", fmt.Sprintf("pid %d", a.pid), "started by "+c.origin)
			if b.out.text() != "" {
				t.Errorf("records would have been sent twice:\n%s", b.out.text())
			}
			s := p.status(t, 0)
			if s.PID != a.pid || s.StartedBy != c.origin || s.User != userName(os.Geteuid()) || s.Exe != p.exe {
				t.Errorf("status: %+v", s)
			}
			if s.StartedAt == nil || s.StartedAt.Before(begun) || s.StartedAt.After(time.Now()) {
				t.Errorf("started at %v, not after %v", s.StartedAt, begun)
			}
			p.do(t, "status").want(t, 0, strconv.Itoa(a.pid), "user "+userName(os.Geteuid()), "by "+c.origin,
				s.StartedAt.Local().Format(time.DateTime))
			a.stop(t)
			p.clean(t)
		})
	}
}

// "200 simultaneous starts: exactly one winner, every loser exits 75, the file
// names the winner. Repeated."
func TestIncident3_SimultaneousStarts(t *testing.T) {
	starts := 200
	if testing.Short() {
		starts = 20
	}
	p := newPlace(t)
	p.exe = plainBinary(t) // 200 with the race detector take gigabytes
	for range 3 {
		all := make([]*process, starts)
		for i := range all {
			all[i] = p.start(t, plan{Barrier: true})
		}
		ends := make(chan *process, starts)
		for _, a := range all {
			go func() { <-a.ended; ends <- a }()
		}
		for _, a := range all {
			must(t, a.stdin.Close())
		}
		winners := make(map[*process]bool, starts)
		for _, a := range all {
			winners[a] = true
		}
		for len(winners) > 1 {
			loser := wait.For(t, fmt.Sprintf("all but one of %d winners end", len(winners)), ends)
			delete(winners, loser)
			loser.end(t).want(t, 75, "already running")
			if loser.out.text() != "" {
				t.Errorf("a loser came as far as its program:\n%s", loser.out.text())
			}
		}
		for winner := range winners {
			winner.log.await(t, "ready: after=")
			p.holds(t, winner)
			winner.stop(t)
		}
		p.clean(t)
	}
}

// "The PID file, or everything in the runtime directory, is removed while we
// run: a second start at that very moment is still refused." The first instance
// is stopped for that moment, so that it cannot have repaired anything.
func TestIncident3_RemovedFilesDoNotLetASecondIn(t *testing.T) {
	for name, remove := range map[string]func(p *place) error{
		"the PID file":  func(p *place) error { return os.Remove(p.pidFile()) },
		"all files":     func(p *place) error { return errors.Join(os.Remove(p.pidFile()), os.Remove(p.stateFile())) },
		"the directory": func(p *place) error { return os.RemoveAll(p.run) },
		"renamed away":  func(p *place) error { return os.Rename(p.run, p.run+".old") },
		"by another file": func(p *place) error {
			return errors.Join(os.WriteFile(p.run+"/x", nil, 0o644), os.Rename(p.run+"/x", p.pidFile()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			a := p.ready(t, plan{})
			wait.Pause(t, a.pid)
			must(t, remove(p))
			for range 2 {
				b := p.start(t, plan{})
				b.end(t).want(t, 75, "already running", fmt.Sprintf("pid %d", a.pid))
				if b.out.text() != "" {
					t.Fatalf("a second instance came as far as its program:\n%s", b.out.text())
				}
			}
			if s := p.statusWithoutItsFile(t); s.PID != a.pid {
				t.Errorf("status names %d, want %d", s.PID, a.pid)
			}
			a.signal(t, syscall.SIGCONT)
			if alarm := a.out.await(t, "tamper "); !strings.Contains(alarm, p.pidFile()) {
				t.Errorf("the alarm is %q", alarm)
			}
			a.log.await(t, "tampered")
			p.holds(t, a)
			if s := p.status(t, 0); !s.Ready {
				t.Errorf("status after the repair: %+v", s)
			}
			p.do(t, "reload").want(t, 0)
			a.stop(t)
			p.clean(t)
		})
	}
}

// A second start is also refused while the files are removed again and again.
func TestIncident3_RemovedAgainAndAgain(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{})
	for i := range 20 {
		if i%2 == 0 {
			must(t, os.Rename(p.run, fmt.Sprintf("%s.%d", p.run, i))) // the directory, in one call
		} else {
			must(t, os.Remove(p.pidFile()))
		}
		p.start(t, plan{}).end(t).want(t, 75, "already running", fmt.Sprintf("pid %d", a.pid))
		wait.Until(t, "the PID file is back", func() bool {
			text, err := os.ReadFile(p.pidFile())
			return err == nil && string(text) == fmt.Sprintln(a.pid)
		})
	}
	a.out.await(t, "tamper ") // the alarm pauses when it goes on for long
	p.holds(t, a)
	a.stop(t)
	p.clean(t)
}

// "A loser never truncates or unlinks": whenever it starts, and however it ends.
func TestIncident3_LoserTouchesNothing(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{})
	before := p.snapshot(t)
	for i := range 40 {
		b := p.start(t, plan{})
		if i%2 == 0 {
			b.end(t).want(t, 75)
		} else {
			time.Sleep(time.Duration(i) * 500 * time.Microsecond) // anywhere in its short life
			_ = b.cmd.Process.Kill()
			b.end(t)
		}
	}
	before.unchanged(t)
	a.stop(t)
	p.clean(t)
}

// "A child that inherits nothing does not keep the lock after its parent's death."
func TestIncident3_ChildDoesNotKeepTheLock(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{Child: true})
	a.out.await(t, "up")
	a.kill(t)
	b := p.ready(t, plan{})
	select {
	case <-a.out.closed:
		t.Error("the child did not outlive its parent: nothing was tested")
	default:
	}
	p.holds(t, b)
	b.stop(t)
	p.clean(t)
	must(t, a.stdin.Close())
	a.out.await(t, "end") // the child's
	if entries, err := filepath.Glob(p.run + "/*"); err != nil || len(entries) != 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
	if _, err := os.Lstat(p.pidFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
