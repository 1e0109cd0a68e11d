package cli_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// A restart whose stop was not in order succeeds, and reports the stop. It only reports about
// the run that it has ended itself.
func TestRestartTellsOfAStopThatWasNotInOrder(t *testing.T) {
	const told = "the run before did not stop in order: "
	forced := &platform.Exit{Code: 1, Reason: "asked to stop by SIGTERM, then forced to exit"}
	for name, tt := range map[string]struct {
		so    func(*place)
		last  *platform.Exit
		begun time.Time // of the run that comes
		says  string
	}{
		"killed":                {running, killed, noon, told + "signal\n"},
		"forced":                {running, forced, noon.Add(time.Second), told + forced.Reason + "\n"},
		"in order":              {running, &platform.Exit{Clean: true, Reason: "asked to stop"}, noon, ""},
		"nobody knows":          {running, nil, noon, ""},
		"it did not run":        {func(*place) {}, killed, noon, ""},
		"it is still the first": {running, killed, noon.Add(-time.Minute), ""},
		"nobody knows who runs": {unnamed, killed, noon, ""},
	} {
		for _, verb := range []string{"restart", "start"} {
			t.Run(name+"/"+verb, func(t *testing.T) {
				p := newPlace(t)
				tt.so(p)
				p.m.st.Phase = platform.PhaseReady // the manager is half-way with whoever holds the lock
				p.m.on = func(string) {
					p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.StartedAt, s.LastExit = tt.begun, tt.last })
				}
				p.wants(verb, 0, "", verb)
				if got := p.errs.String(); got != tt.says {
					t.Errorf("it says %q, want %q", got, tt.says)
				}
			})
		}
	}
}

// If the state of the new run cannot be read, a restart succeeds and prints nothing.
func TestRestartWithoutAStateFile(t *testing.T) {
	for name, content := range map[string]string{"damaged": "{", "empty": "", "of another format": `{"format":99}`} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			running(p)
			p.m.on = func(string) { p.put(state.Path(p.cfg.RuntimeDir, "feedd"), content) }
			p.wants("restart", 0, "", "restart")
			if p.errs.Len() > 0 {
				t.Errorf("it says %q", p.errs.String())
			}
		})
	}
}
