package cli_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// If the record is a directory, the manager's reload command cannot find whom to ask. systemd
// only says that it failed, and the error was "the service rejected its new configuration",
// which the service had never read.
func TestIssue9_AReloadThatWasNotBegunIsNoRejection(t *testing.T) {
	before := func(lastError string) func(*place) {
		return func(p *place) {
			p.writes(feedd, platform.PhaseReady, func(s *state.State) {
				s.Reloads = state.Reloads{Completed: 3, LastStart: 5, LastError: lastError}
			})
		}
	}
	// completes makes a reload that somebody requested earlier end in the meantime.
	completes := func(start time.Duration, lastError string) func(*place) {
		return func(p *place) {
			p.m.on = func(string) {
				p.writes(feedd, platform.PhaseReady, func(s *state.State) {
					s.Reloads = state.Reloads{Completed: 4, LastStart: start, LastError: lastError}
				})
			}
		}
	}
	for name, tt := range map[string]struct {
		so       []func(*place)
		rejected bool
		says     string
	}{
		"its holder is unknown":                  {[]func(*place){unnamed, before("")}, false, "no reload was started: it runs, but its process cannot be identified"},
		"and the last one was refused":           {[]func(*place){unnamed, before("bad host")}, false, "no reload was started: it runs"},
		"and nothing is written":                 {[]func(*place){unnamed}, false, "no reload was started: it runs"},
		"its holder is unknown to us alone":      {[]func(*place){unnamed, before(""), completes(11, "bad port")}, true, "bad port"},
		"the command fails":                      {[]func(*place){before("")}, false, "the reload command of fake failed, and there is no sign that a reload was started"},
		"the command fails after a refused one":  {[]func(*place){before("bad host")}, false, "there is no sign that a reload was started"},
		"the program refuses":                    {[]func(*place){before(""), completes(11, "bad port")}, true, "bad port"},
		"it refuses what others asked for":       {[]func(*place){before(""), completes(9, "bad port")}, true, "bad port"},
		"it refuses, and cannot write its state": {nil, true, "rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			running(p)
			p.m.fails = platform.ErrRejected
			for _, so := range tt.so {
				so(p)
			}
			code, err := p.run("reload")
			if code != 1 || errors.Is(err, platform.ErrRejected) != tt.rejected || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "bad host") {
				t.Errorf("%d, %v", code, err)
			}
		})
	}
}

// A service with a full runtime directory had reloaded, but could not write this.
func TestIssue9_AReloadWhoseOutcomeHasNoRoom(t *testing.T) {
	for name, tt := range map[string]struct {
		full, later, managed, says bool
	}{
		"no space is left":            {full: true, says: true},
		"and the manager waited":      {full: true, managed: true, says: true},
		"there is space":              {},
		"the state has been written":  {full: true, later: true},
		"likewise, under the manager": {full: true, later: true, managed: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				p.full = tt.full
				id := other
				if tt.managed {
					running(p)
					p.m.fails = platform.ErrTimeout
					id = feedd
				} else {
					byHand(p)
					p.signalled = func(proc.Identity, os.Signal) error { return nil }
				}
				p.writes(id, platform.PhaseReady, nil)
				written := noon.Add(-time.Minute)
				if tt.later {
					written = noon.Add(time.Minute)
				}
				if err := os.Chtimes(state.Path(p.cfg.RuntimeDir, "feedd"), written, written); err != nil {
					t.Fatal(err)
				}
				code, err := p.run("reload", "--timeout", "1s") // each look reads a real file
				if code != 1 || !errors.Is(err, platform.ErrTimeout) || strings.Contains(err.Error(), "no space is left in "+p.cfg.RuntimeDir+": it cannot write its state file") != tt.says {
					t.Errorf("%d, %v", code, err)
				}
			})
		})
	}
}
