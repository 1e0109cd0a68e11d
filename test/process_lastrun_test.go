//go:build linux || darwin

package test_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// before is the part of `status --json` about the previous run.
func (p *place) before(t *testing.T) *state.Before {
	t.Helper()
	var s struct {
		LastRun *state.Before `json:"last_run"`
	}
	r := p.do(t, "status", "--json")
	if err := json.Unmarshal([]byte(r.out), &s); err != nil {
		t.Fatalf("%v: %s%s", err, r.out, r.err)
	}
	return s.LastRun
}

// Real processes end in each possible way. The test compares what Recover is told and what
// `status` shows, while the service is down and when it runs again.
func TestEachWayInWhichARunEndsIsToldApart(t *testing.T) {
	ends := func(how plan, act func(*testing.T, *place, *process)) func(*testing.T, *place) {
		return func(t *testing.T, p *place) {
			a := p.ready(t, how)
			act(t, p, a)
			a.end(t)
		}
	}
	signals := func(s syscall.Signal) func(*testing.T, *place) {
		return ends(plan{}, func(t *testing.T, _ *place, a *process) { a.signal(t, s) })
	}
	forge := func(change func(*testing.T, *recovery.LastRun)) func(*testing.T, *place) {
		return func(t *testing.T, p *place) {
			signals(syscall.SIGKILL)(t, p)
			last, err := recovery.Read(p.lastRun())
			must(t, err)
			change(t, &last)
			b, err := json.Marshal(last)
			must(t, err)
			must(t, os.WriteFile(p.lastRun(), b, 0o600))
		}
	}
	for name, c := range map[string]struct {
		end     func(*testing.T, *place)
		how     recovery.How
		outcome string
		version string // of the next run
		change  recovery.Change
	}{
		"clean": {end: signals(syscall.SIGTERM), how: recovery.Clean, outcome: "asked to stop by SIGTERM"},
		"forced": {
			end: ends(plan{Stop: "hang"}, func(t *testing.T, _ *place, a *process) {
				a.signal(t, syscall.SIGTERM)
				a.out.await(t, "stop")
				a.signal(t, syscall.SIGTERM)
			}), how: recovery.Forced, outcome: "forced to exit by a second request",
		},
		"failed": {
			end: ends(plan{Stop: "fail half done"}, func(t *testing.T, _ *place, a *process) { a.signal(t, syscall.SIGTERM) }),
			how: recovery.Failed, outcome: "half done",
		},
		"panic in its hands": {
			end: ends(plan{Stop: "panic oh"}, func(t *testing.T, _ *place, a *process) { a.signal(t, syscall.SIGTERM) }),
			how: recovery.Panicked, outcome: "panic in Stop: oh",
		},
		"panic": {
			end: ends(plan{Reload: "crash of its own"}, func(t *testing.T, _ *place, a *process) { a.signal(t, syscall.SIGHUP) }),
			how: recovery.Panicked, outcome: "panic: of its own",
		},
		"signal":   {end: signals(syscall.SIGABRT), how: recovery.Signaled, outcome: "killed by SIGABRT"},
		"fault":    {end: signals(syscall.SIGSEGV), how: recovery.Signaled, outcome: "killed by SIGSEGV"},
		"killed":   {end: signals(syscall.SIGKILL), how: recovery.Killed, outcome: "without a trace"},
		"left":     {end: ends(plan{Stop: "leave"}, func(t *testing.T, _ *place, a *process) { a.signal(t, syscall.SIGTERM) }), how: recovery.Killed, outcome: "without a trace"},
		"rebooted": {end: forge(func(_ *testing.T, l *recovery.LastRun) { l.Process.Boot = "another" }), how: recovery.Rebooted, outcome: "uptime"},
		"runs elsewhere": {
			end: forge(func(t *testing.T, l *recovery.LastRun) {
				id, err := proc.Of(newPlace(t).foreign(t).pid)
				must(t, err)
				l.Process = id
			}), how: recovery.RunsElsewhere, outcome: "still runs",
		},
		"damaged": {end: func(t *testing.T, p *place) {
			signals(syscall.SIGKILL)(t, p)
			must(t, os.WriteFile(p.lastRun(), []byte("{"), 0o600))
		}, how: recovery.Unknown},
		"upgraded":    {end: signals(syscall.SIGTERM), how: recovery.Clean, version: "1.10.0", change: recovery.Upgraded},
		"rolled back": {end: signals(syscall.SIGKILL), how: recovery.Killed, version: "1.2.3-rc.1", change: recovery.RolledBack},
		"not confirmed": {
			end: forge(func(_ *testing.T, l *recovery.LastRun) { l.Version, l.Trial = "0.9", "abc" }),
			how: recovery.Killed, change: recovery.RolledBack,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			c.end(t, p)
			down := p.before(t)
			if c.how != recovery.Unknown && (down == nil || down.How != string(c.how) || !strings.Contains(down.Outcome, c.outcome)) {
				t.Errorf("down: %+v, want %s, %q", down, c.how, c.outcome)
			}
			if word := string(c.how); c.how != recovery.Clean && c.how != recovery.Failed && c.how != recovery.Unknown {
				p.do(t, "status").want(t, p.do(t, "status").code, "last run  "+word)
			}
			a := p.ready(t, plan{Recover: true, Version: c.version})
			a.out.await(t, "started")
			heard := "recover " + string(c.how) + ", " + string(c.change) + ": "
			if got := a.out.text(); (c.how != recovery.Clean) != strings.Contains(got, heard) || !strings.Contains(got, c.outcome) && c.how != recovery.Clean {
				t.Errorf("Recover hears %q, want %q and %q", got, heard, c.outcome)
			}
			up := p.before(t)
			if up == nil || up.How != string(c.how) || up.Change != string(c.change) || !strings.Contains(up.Outcome, c.outcome) || up.Term != 1 && c.how != recovery.Unknown {
				t.Errorf("up: %+v, want %s, %q", up, c.how, c.outcome)
			}
			if _, err := os.Stat(p.state + "/feedd.crash"); err != nil {
				t.Error(err)
			}
			a.stop(t)
			if _, err := os.Stat(p.state + "/feedd.crash"); !os.IsNotExist(err) {
				t.Errorf("left after a clean end: %v", err)
			}
		})
	}
}

// A process that ends after the next run has begun does not overwrite the record of that
// run.
func TestAnEarlierRunDoesNotCloseTheRecordOfALaterOne(t *testing.T) {
	p := newPlace(t)
	a := p.ready(t, plan{})
	last, err := recovery.Read(p.lastRun())
	must(t, err)
	last.Term, last.Process.PID = 7, 1
	b, err := json.Marshal(last)
	must(t, err)
	must(t, os.WriteFile(p.lastRun(), b, 0o600))
	a.signal(t, syscall.SIGTERM)
	a.end(t).want(t, 1, "belongs to a later run")
	if got, err := recovery.Read(p.lastRun()); err != nil || got.Exit != nil || got.Process.PID != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// The number of a run is greater than those of all earlier runs, whatever happens to its file.
func TestTheTermNeverGoesBack(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"removed": os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"zeros":   func(path string) error { return os.WriteFile(path, make([]byte, 8), 0o644) },
		"a link":  func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)) },
		"stale":   func(path string) error { return os.WriteFile(path, []byte("1\n"), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			last := uint64(0)
			for range 3 {
				p.ready(t, plan{}).kill(t)
				record, err := recovery.Read(p.lastRun())
				must(t, err)
				if record.Term <= last {
					t.Errorf("term %d follows %d", record.Term, last)
				}
				last = record.Term
				must(t, harm(filepath.Join(p.state, "feedd.term")))
			}
		})
	}
}
