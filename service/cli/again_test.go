package cli_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

// waitsToTry makes the manager wait to restart a service that failed a second ago.
func waitsToTry(next *platform.NextTry) func(*place) {
	return func(p *place) {
		p.cfg.Log.File = p.dir + "/none.log" // no log to be shown
		p.ended(&platform.Exit{Code: 1, Reason: "no feed"})
		p.m.st.Phase, p.m.st.LastExit, p.m.st.EndedAt, p.m.st.Next = platform.PhaseStarting, &platform.Exit{Code: 1, Reason: "exit-code"}, noon.Add(-time.Second), next
	}
}

// A failed start did not say that the manager tries again.
func TestAFailedStartSaysWhoTriesAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		so    func(*place)
		fails error
		says  string
	}{
		"it knows when":     {waitsToTry(&platform.NextTry{At: noon.Add(4 * time.Second), Number: 1, Max: 9}), errors.New("it failed"), "; fake tries again: next try in 4s, 1 of 9, until it is stopped"},
		"it does not":       {waitsToTry(nil), errors.New("it failed"), "; fake tries again, until it is stopped"},
		"of a known kind":   {waitsToTry(nil), &platform.FailedError{How: "exit code 1"}, "; fake tries again, until it is stopped"},
		"it takes too long": {waitsToTry(nil), platform.ErrTimeout, ""},
		"it has given up":   {func(p *place) { p.m.st.Phase = platform.PhaseFailed }, errors.New("it failed"), ""},
		"it is at it": {func(p *place) {
			running(p)
			p.held = map[string]singleton.Holder{}
			p.m.st.Phase = platform.PhaseStarting
		}, errors.New("it failed"), "; fake tries again now, until it is stopped"},
	} {
		for _, verb := range []string{"start", "restart"} {
			t.Run(name+"/"+verb, func(t *testing.T) {
				p := newPlace(t)
				tt.so(p)
				p.m.acts = tt.fails
				_, err := p.run(verb)
				if err == nil || !strings.HasSuffix(err.Error(), tt.says) || strings.Contains(err.Error(), "tries again") != (tt.says != "") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// After a rolled-back install nobody tries to start the service again.
func TestAnInstallThatIsTakenBackIsNotTriedAgain(t *testing.T) {
	p := newPlace(t)
	waitsToTry(&platform.NextTry{At: noon.Add(4 * time.Second), Number: 1, Max: 9})(p)
	p.m.acts = errors.New("it failed")
	_, err := p.run("install", "--program", "/usr/sbin/feedd", "--start")
	if err == nil || !strings.Contains(err.Error(), "it failed") || strings.Contains(err.Error(), "tries again") {
		t.Errorf("got %v", err)
	}
}

// A stop while the manager waited to try again said "not running", as if it had done nothing.
func TestAStopOfWhatWouldBeTriedAgainSaysSo(t *testing.T) {
	next := &platform.NextTry{At: noon.Add(4 * time.Second), Number: 1, Max: 9}
	stopped := func(p *place) { p.m.st.Phase, p.m.st.Next = platform.PhaseFailed, nil }
	supervisor := proc.Identity{PID: 50, Start: 5, Boot: "b"}
	for name, tt := range map[string]struct {
		so   []func(*place)
		on   func(*place)
		says string
		did  []string
	}{
		"by the manager": {[]func(*place){waitsToTry(next)}, stopped, "feedd was not running (fake tries again: next try in 4s, 1 of 9): it is not restarted\n", []string{"stop"}},
		"which goes on":  {[]func(*place){waitsToTry(next)}, func(*place) {}, "feedd was not running, but fake tries again: next try in 4s, 1 of 9: stop it then\n", []string{"stop"}},
		"by a supervisor of ours": {[]func(*place){unmanaged, func(p *place) {
			p.ended(nil)
			p.held["feedd.supervisor"] = singleton.Holder{Identity: supervisor, Since: noon.Add(-time.Hour)}
			waits := state.State{Name: "feedd.supervisor", Process: supervisor, Next: next, LastExit: killed, PhaseSince: noon}
			if err := state.Write(state.Path(p.cfg.RuntimeDir, "feedd.supervisor"), waits); err != nil {
				t.Fatal(err)
			}
		}}, nil, "feedd was not running (its supervisor tries again: next try in 4s, 1 of 9): it is not restarted\n", []string{"signal 50 terminated"}},
		"whose number is another's": {[]func(*place){waitsToTry(next), func(p *place) {
			p.put(p.cfg.RuntimeDir+"/feedd.pid", "4711\n")
		}}, stopped, "feedd.pid is left and names 4711, which is gone): it is not restarted\n", []string{"stop"}},
		"nobody": {nil, func(*place) {}, "not running\n", []string{"stop"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			for _, so := range tt.so {
				so(p)
			}
			if p.m != nil {
				p.m.on = func(string) { tt.on(p) }
			}
			p.wants("stop", 0, tt.says, tt.did...)
			if got := p.errs.String(); strings.Contains(got, "service is not running") != (name == "nobody") {
				t.Errorf("it says %q", got)
			}
		})
	}
}

// A supervisor of ours waits. status says when it tries again, and how the last run ended,
// which the run itself could not record.
func TestStatusWhileASupervisorWaits(t *testing.T) {
	supervisor := proc.Identity{PID: 50, Start: 5, Boot: "b"}
	for name, writer := range map[string]proc.Identity{"its own words": supervisor, "a dead one's": other} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.cfg.Log.File = p.dir + "/none.log"
			p.ended(nil)
			p.held["feedd.supervisor"] = singleton.Holder{Identity: supervisor, Since: noon.Add(-time.Hour)}
			waits := state.State{Process: writer, LastExit: killed, PhaseSince: noon.Add(-time.Second), Next: &platform.NextTry{At: noon.Add(time.Minute), Number: 3, Max: 5}}
			if err := state.Write(state.Path(p.cfg.RuntimeDir, "feedd.supervisor"), waits); err != nil {
				t.Fatal(err)
			}
			says := "(1s ago), next try in 1m0s, 3 of 5\n"
			if writer != supervisor {
				says = "its supervisor is about to restart it (pid 50"
			}
			p.wants("status", 3, says)
			if own := strings.Contains(p.out.String(), "killed by SIGKILL"); own != (writer == supervisor) {
				t.Errorf("got\n%s", p.out.String())
			}
		})
	}
}

// The manager only says what it is configured to do. status computes the rest.
func TestStatusReckonsTheNextTry(t *testing.T) {
	told := platform.NextTry{Delay: 10 * time.Second, Max: 3, Window: time.Hour}
	for name, tt := range map[string]struct {
		phase    platform.Phase
		ended    time.Duration // ago; 0: nobody knows
		restarts int
		says     string // empty: there is no next try
	}{
		"a second ago":        {platform.PhaseFailed, time.Second, 1, ", next try in 9s, 2 of 3\n"},
		"nobody knows when":   {platform.PhaseStarting, 0, 0, ", next try within 10s, 1 of 3\n"},
		"due":                 {platform.PhaseStarting, 12 * time.Second, 0, ", next try soon, 1 of 3\n"},
		"there was none":      {platform.PhaseFailed, time.Hour, 0, ""},
		"one too many by now": {platform.PhaseFailed, time.Second, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.cfg.Log.File = p.dir + "/none.log"
			p.m.st.Phase, p.m.st.LastExit, p.m.st.Next, p.m.st.Restarts = tt.phase, killed, &told, tt.restarts
			if tt.ended > 0 {
				p.m.st.EndedAt = noon.Add(-tt.ended)
			}
			p.wants("status", 3, "feedd is failed")
			if got := p.out.String(); !strings.Contains(got, tt.says) || strings.Contains(got, "next try") != (tt.says != "") {
				t.Errorf("got\n%s", got)
			}
		})
	}
}
