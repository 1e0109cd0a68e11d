package cli_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A service in a crash loop is failed between two attempts. status says when the next attempt
// comes, and which one it is, as far as the manager knows.
func TestStatusBetweenTwoTries(t *testing.T) {
	for name, tt := range map[string]struct {
		next platform.NextTry
		says string
	}{
		"in a while":          {platform.NextTry{At: noon.Add(90 * time.Second), Number: 2, Max: 5}, ", next try in 1m30s, 2 of 5\n"},
		"tenths":              {platform.NextTry{At: noon.Add(1234 * time.Millisecond), Number: 1, Max: 5}, ", next try in 1.2s, 1 of 5\n"},
		"the last":            {platform.NextTry{At: noon.Add(time.Second), Number: 5, Max: 5}, ", next try in 1s, 5 of 5\n"},
		"without limit":       {platform.NextTry{At: noon.Add(time.Second), Number: 7}, ", next try in 1s, restart 7 since it was started by hand\n"},
		"more than there are": {platform.NextTry{At: noon.Add(time.Second), Number: 6, Max: 5}, ", next try in 1s, restart 6 since it was started by hand\n"},
		"nobody knows which":  {platform.NextTry{At: noon.Add(time.Second)}, ", next try in 1s\n"},
		"nobody knows when":   {platform.NextTry{Number: 3, Max: 5}, ", next try soon, 3 of 5\n"},
		"due":                 {platform.NextTry{At: noon.Add(-time.Second), Number: 3, Max: 5}, ", next try soon, 3 of 5\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.cfg.Log.File = p.dir + "/none.log" // no log to be shown
			p.m.st.Phase, p.m.st.LastExit, p.m.st.EndedAt, p.m.st.Next = platform.PhaseStarting, killed, noon.Add(-time.Second), &tt.next
			p.wants("status", 3, "feedd is failed since "+noon.Add(-time.Second).Local().Format(time.DateTime)+" (1s ago)"+tt.says)
			if strings.Contains(p.out.String(), "about to restart it") {
				t.Errorf("said twice:\n%s", p.out.String())
			}
			p.wants("status --json", 3, `"next_try": {`)
			next, is := p.json()["next_try"].(map[string]any)
			if !is || next["number"] != float64(tt.next.Number) || p.json()["phase"] != "failed" {
				t.Errorf("%s", p.out.String())
			}
		})
	}
}

// While the service is up there is no next attempt. A start after a failure says which attempt
// it is.
func TestStatusOfATry(t *testing.T) {
	clean := &platform.Exit{Clean: true, Reason: "asked to stop"}
	for name, tt := range map[string]struct {
		phase    platform.Phase
		restarts int
		last     *platform.Exit
		again    bool
	}{
		"starting again":           {platform.PhaseStarting, 4, killed, true},
		"starting at first":        {platform.PhaseStarting, 0, nil, false},
		"starting after a restart": {platform.PhaseStarting, 1, clean, false},
		"ready again":              {platform.PhaseReady, 4, killed, false},
		"stopping":                 {platform.PhaseStopping, 4, killed, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.cfg.Log.File = p.dir + "/none.log" // no log to be shown
			running(p)
			p.writes(feedd, tt.phase, func(s *state.State) {
				s.Restarts, s.LastExit, s.ReadyAt = tt.restarts, tt.last, noon.Add(-50*time.Second)
			})
			p.m.st.Phase, p.m.st.Restarts = tt.phase, tt.restarts
			p.m.st.Next = &platform.NextTry{At: noon.Add(time.Second), Number: 5, Max: 9}
			p.wants("status", 0, "feedd is "+string(tt.phase))
			out := p.out.String()
			if strings.Contains(out, ", again, after a failure (4 restarts)\n") != tt.again || strings.Contains(out, "next try") {
				t.Errorf("got\n%s", out)
			}
			p.wants("status --json", 0, "")
			if _, is := p.json()["next_try"]; is {
				t.Errorf("it is up:\n%s", p.out.String())
			}
		})
	}
}

// status says that a crash loop was given up, whoever gave up, with the command that starts
// the service again.
func TestStatusOfWhatWasGivenUp(t *testing.T) {
	for name, tt := range map[string]struct {
		so       func(*place)
		restarts string
		gaveUp   bool
	}{
		"by systemd":               {func(p *place) { p.m.st.GaveUp, p.m.st.Restarts = true, 2 }, "2, and it is not started again automatically", true},
		"by a manager that counts": {func(p *place) { p.m.st.Restarts = 3 }, "3, and it is not started again automatically", true},
		"not yet":                  {func(p *place) { p.m.st.Restarts = 2 }, "2\n", false},
		"not that code":            {func(p *place) { p.m.st.Restarts, p.m.st.LastExit = 3, &platform.Exit{Code: 78, Reason: "no"} }, "3\n", false},
		"by our supervisor":        {leaves(true, 2, noon.Add(-time.Second)), "2, and it is not started again automatically", true},
		"by one before":            {leaves(true, 3, noon.Add(-24*time.Hour)), "3\n", false},
		"our supervisor ended":     {leaves(false, 1, noon.Add(-time.Second)), "1\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.cfg.Log.File = p.dir + "/none.log"
			p.cfg.Restart.Max = 3
			p.ended(nil)
			p.m.st.Phase, p.m.st.LastExit, p.m.st.EndedAt = platform.PhaseFailed, killed, noon.Add(-time.Second)
			tt.so(p)
			p.wants("status", 3, "restarts  "+tt.restarts)
			const says = "it was restarted as often as restart.max allows, and is not restarted before feedd start"
			out := p.out.String()
			if strings.Contains(out, says) != tt.gaveUp || strings.Contains(out, ", given up\n") != tt.gaveUp {
				t.Errorf("got\n%s", out)
			}
			p.wants("status --json", 3, "")
			if gaveUp, _ := p.json()["gave_up"].(bool); gaveUp != tt.gaveUp {
				t.Errorf("got\n%s", &p.out)
			}
			p.m.acts = errors.New("it failed")
			if _, err := p.run("start"); err == nil || strings.Contains(err.Error(), says) != tt.gaveUp {
				t.Errorf("start: %v", err)
			}
		})
	}
}

// leaves makes a supervisor leave these facts about the last run.
func leaves(gaveUp bool, restarts int, at time.Time) func(*place) {
	return func(p *place) {
		p.m.inventory = true
		left := state.State{Process: other, LastExit: killed, PhaseSince: at, GaveUp: gaveUp, Restarts: restarts}
		if err := state.Write(state.Path(p.cfg.RuntimeDir, "feedd.supervisor"), left); err != nil {
			p.t.Fatal(err)
		}
	}
}

// Consecutive failed starts that nobody made as restarts do not count as restarts.
func TestFailedStartsAreNoRestarts(t *testing.T) {
	p := newPlace(t)
	p.cfg.Log.File = p.dir + "/none.log"
	p.m.inventory = true
	p.put(p.cfg.StateDir+"/feedd.lastrun.json", recovery.LastRun{Process: other, Started: noon.Add(-time.Hour), Ended: noon, Exit: &platform.Exit{Code: 1, Reason: "no"}, Restarts: 17})
	p.wants("status --json", 3, "")
	if n := p.json()["restarts"]; n != 0.0 {
		t.Errorf("%v restarts", n)
	}
}
