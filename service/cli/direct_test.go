package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A stop that does not finish says how far it has come, in the words of the process that was
// asked, and of no other.
func TestStopSaysHowFarItHasCome(t *testing.T) {
	steps := []state.StopStep{{Name: "program", Took: time.Second}, {Name: "goroutines", Took: time.Second}}
	for name, tt := range map[string]struct {
		writes func(*place)
		says   string
	}{
		"nothing is known": {
			writes: func(*place) {},
			says:   "took too long: asked to stop (still there: ",
		},
		"it has not begun": {
			writes: func(p *place) { p.writes(other, platform.PhaseReady, nil) },
			says:   "took too long: asked to stop (still there: ",
		},
		"two steps are done": {
			writes: func(p *place) {
				p.writes(other, platform.PhaseStopping, func(s *state.State) { s.Stop = &state.StopProgress{Steps: steps} })
			},
			says: "took too long: stopping, 2 steps done (still there: ",
		},
		"and it says what it does": {
			writes: func(p *place) {
				p.writes(other, platform.PhaseStopping, func(s *state.State) {
					s.Stop, s.StatusText = &state.StopProgress{Steps: steps}, "closing 7 connections"
				})
			},
			says: "took too long: stopping, 2 steps done, closing 7 connections (still there: ",
		},
		"another's words": {
			writes: func(p *place) {
				p.writes(feedd, platform.PhaseStopping, func(s *state.State) { s.Stop = &state.StopProgress{Steps: steps} })
			},
			says: "took too long: asked to stop (still there: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				unmanaged(p)
				byHand(p)
				refuse(nil)(p)
				tt.writes(p)
				begun := time.Now()
				p.wants("stop --timeout 7s", 1, tt.says, "signal 60 terminated")
				if took := time.Since(begun); took != 7*time.Second {
					t.Errorf("it gave up after %v", took)
				}
			})
		})
	}
}

// Without --timeout a wait lasts as long as the configuration allows the service, plus the
// margin in which the service ends by itself.
func TestHowLongWaitsLast(t *testing.T) {
	for args, want := range map[string]time.Duration{
		"stop":                20*time.Second + platform.StopMargin,
		"stop --timeout 1s":   time.Second,
		"reload":              40*time.Second + 30*time.Second + platform.StopMargin, // it may have to become ready first
		"reload --timeout 1s": time.Second,
	} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				p.cfg.StopTimeout, p.cfg.StartTimeout, p.cfg.ReloadTimeout = 20*time.Second, 40*time.Second, 30*time.Second
				unmanaged(p)
				byHand(p)
				refuse(nil)(p)
				begun := time.Now()
				if code, err := p.run(strings.Fields(args)...); code != 1 {
					t.Errorf("exit code %d: %v", code, err)
				}
				if took := time.Since(begun); took != want {
					t.Errorf("it gave up after %v, want %v", took, want)
				}
			})
		})
	}
}

// If a process ends instead of reloading, the reason comes from its record, if the record is
// its own.
func TestReloadOfOneThatEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		record proc.Identity
		says   string
	}{
		"its own record": {other, "it ended before it reloaded: panic in Reload"},
		"another's":      {feedd, "it ended before it reloaded\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				unmanaged(p)
				byHand(p)
				p.signalled = func(id proc.Identity, _ os.Signal) error {
					time.AfterFunc(time.Second, func() {
						p.put(filepath.Join(p.cfg.StateDir, "feedd.lastrun.json"), recovery.LastRun{
							Process: tt.record, Started: noon.Add(-time.Hour), Ended: noon, Exit: &platform.Exit{Code: 70, Reason: "panic in Reload"},
						})
						p.ends(id.PID)
					})
					return nil
				}
				p.wants("reload", 1, tt.says, "signal 60 hangup")
			})
		})
	}
}
