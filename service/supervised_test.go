//go:build linux || darwin || windows

package service_test

import (
	"os"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// The supervisor that starts this run knows how the last one was cut off, and the number of
// restarts. A file of any other process does not count, and starts by hand are no restarts.
func TestTheSupervisorSaysHowTheLastRunEnded(t *testing.T) {
	killed := &platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "killed by SIGKILL"}
	for name, tt := range map[string]struct {
		starter  string
		pid      int
		restarts int
		seen     bool
	}{
		"its own":      {"sysv", os.Getppid(), 2, true},
		"another's":    {"sysv", os.Getppid() + 1, 0, false},
		"under OpenRC": {"openrc", os.Getppid(), 2, true},
		"OpenRC's own": {"openrc", os.Getppid() + 1, 18, false},
		"not its kind": {"test", os.Getppid(), 18, false}, // as its manager does not count
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.name = tt.starter
			for _, dir := range []string{b.cfg.RuntimeDir, b.cfg.StateDir} {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			left := state.State{Process: proc.Identity{PID: tt.pid}, LastExit: killed, PhaseSince: time.Now(), Restarts: 2}
			if err := state.Write(state.Path(b.cfg.RuntimeDir, "feedd.supervisor"), left); err != nil {
				t.Fatal(err)
			}
			last := `{"process":{},"started":"2026-01-02T12:00:00Z","restarts":17}`
			if err := os.WriteFile(b.cfg.StateDir+"/feedd.lastrun.json", []byte(last), 0o600); err != nil {
				t.Fatal(err)
			}
			p := &recoverer{}
			b.run(t.Context(), p)
			b.await(platform.PhaseReady)
			s, err := state.Read(state.Path(b.cfg.RuntimeDir, "feedd"))
			if err != nil || s.Restarts != tt.restarts || s.LastExit == nil || (s.LastExit.Signal == "SIGKILL") != tt.seen {
				t.Errorf("%v: %d restarts, %+v", err, s.Restarts, s.LastExit)
			}
			b.stop()
			if err := b.end(); err != nil {
				t.Error(err)
			}
			if want := (recovery.LastRun{Started: time.Now(), Seen: p.seen[0].Seen}).Outcome(); (want == "killed by SIGKILL") != tt.seen {
				t.Errorf("Recover hears of %q", want)
			}
		})
	}
}
