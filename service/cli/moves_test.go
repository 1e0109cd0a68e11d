package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Between the removal of its state file and the release of its lock, a service that stops was
// "starting", or not known, with exit code 4: a script that waited for its end went on too soon,
// and an upgrade would have started what somebody was stopping.
func TestTheLastMomentOfAStop(t *testing.T) {
	p := newPlace(t)
	p.runs(feedd, "fake")
	p.put(p.cfg.StateDir+"/feedd.lastrun.json", recovery.LastRun{
		Process: feedd, Started: noon.Add(-time.Minute), Ended: noon, Exit: &platform.Exit{Clean: true, Reason: "asked to stop"},
	})
	p.wants("status", 0, "is stopping")
	p.wants("status --json", 0, `"phase": "stopping"`)
}

// The lock is asked first. What the other sources say of a run that begins or ends afterwards
// was combined with its answer: a process that had just started was "killed or crashed without
// a trace", and one that had just ended was in a state that is not known.
func TestTheServiceMovesOnWhileItIsAskedFor(t *testing.T) {
	failed := &platform.Exit{Code: 1, Reason: "no feed"}
	for name, tt := range map[string]struct {
		begins bool // or else it ends
		code   int
		says   []string
	}{
		"it begins": {true, 0, []string{"is ready", "no feed"}},
		"it ends":   {false, 1, []string{"is failed", "no feed"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.m.st.Phase, p.m.st.LastExit, p.m.st.EndedAt = platform.PhaseFailed, failed, noon.Add(-time.Hour)
			if tt.begins {
				p.m.st.Phase = platform.PhaseStarting // it waits before the restart
				p.m.st.EndedAt = noon.Add(-2 * time.Minute)
			}
			asked := 0
			m := p.machine()
			held := m.Holder
			m.Holder = func(o singleton.Options) (singleton.Holder, error) {
				if o.Name != "feedd" {
					return held(o)
				}
				defer func() { asked++ }()
				if asked > 0 {
					return held(o)
				}
				last := recovery.LastRun{Process: feedd, Started: noon.Add(-time.Minute)}
				if tt.begins {
					p.runs(feedd, "fake")
					p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.LastExit = failed })
					p.put(p.cfg.StateDir+"/feedd.lastrun.json", last)
					return singleton.Holder{}, fmt.Errorf("%q: %w", o.Name, singleton.ErrFree)
				}
				last.Exit, last.Ended = failed, noon.Add(-time.Second)
				last.Process = other // the next one has failed as well
				p.put(p.cfg.StateDir+"/feedd.lastrun.json", last)
				p.put(p.cfg.RuntimeDir+"/feedd.pid", fmt.Sprintln(other.PID))
				p.ends(other.PID)
				p.ends(feedd.PID)
				return singleton.Holder{Identity: feedd, UID: os.Geteuid(), Since: noon.Add(-time.Hour), Origin: "fake"}, nil
			}
			err := p.runOn(t.Context(), m, "status")
			if code := cli.ExitCode(err); code != tt.code {
				t.Errorf("exit code %d, want %d: %v", code, tt.code, err)
			}
			for _, says := range tt.says {
				if !strings.Contains(p.out.String(), says) || strings.Contains(p.out.String(), "without a trace") {
					t.Errorf("it does not say %q:\n%s", says, p.out.String())
				}
			}
		})
	}
}

// A service ends after a start has asked for its holder, and before it asks the manager. It was
// refused, because the service was already running, and not by the manager.
func TestAStartWhileItEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		ended bool
		code  int
		did   []string
	}{
		"it has ended": {true, 0, []string{"start"}},
		"by hand":      {false, 75, nil},
	} {
		p := newPlace(t)
		p.runs(feedd, "")
		m := p.machine()
		m.Holder = func(o singleton.Options) (singleton.Holder, error) {
			if h, ok := p.held[o.Name]; ok {
				return h, nil
			}
			return singleton.Holder{}, fmt.Errorf("%q: %w", o.Name, singleton.ErrFree)
		}
		if tt.ended {
			p.ends(feedd.PID)
		}
		if err := p.runOn(t.Context(), m, "start"); cli.ExitCode(err) != tt.code || !slices.Equal(p.did, tt.did) {
			t.Errorf("%s: %v, did %q", name, err, p.did)
		}
	}
}

// A service that was restarted while doctor looked, a process that was about to be refused, and
// one that was about to end, were reported as others that do not hold the lock.
func TestDoctorLooksTwiceForOtherProcesses(t *testing.T) {
	run := func(pids ...int) (table []cli.TableEntry) {
		for _, pid := range pids {
			table = append(table, cli.Entry(pid, 1, "/usr/sbin/feedd", "", "/usr/sbin/feedd", "run"))
		}
		return table
	}
	for name, tt := range map[string]struct {
		first, second []cli.TableEntry
		holds         bool // one of them has the lock by now
		want          bool
	}{
		"it stays":        {run(60), run(60), false, true},
		"it ends":         {run(60), nil, false, false},
		"it begins":       {nil, run(60), false, false},
		"one and another": {run(60), run(61), false, false},
		"it has the lock": {run(60), run(60), true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, looks := wellOff(t), 0
			m := p.machine()
			m.Processes = func(context.Context, []string) ([]cli.TableEntry, error) {
				if tt.holds {
					p.runs(other, "fake")
				}
				if looks++; looks == 1 {
					return tt.first, nil
				}
				return tt.second, nil
			}
			err := p.runOn(t.Context(), m, "doctor", "--json")
			var r doctor.Report
			if e := json.Unmarshal(p.out.Bytes(), &r); e != nil || slices.Contains(ids(r), "other-process") != tt.want {
				t.Errorf("%s: %v, %v: %s", name, e, err, p.out.String())
			}
		})
	}
}
