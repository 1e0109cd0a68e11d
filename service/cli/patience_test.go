package cli_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// A manager that hangs, as openrc-run 0.56 does when it has lost a child, made start, stop,
// restart and reload wait for ever. Now it gets the time that the service may take, and some
// for other services; each sign of progress renews it.
func TestAManagerThatHangsIsGivenUp(t *testing.T) {
	for _, verb := range []string{"start", "stop", "restart", "reload"} {
		for name, tt := range map[string]struct {
			alive    func(p *place, since time.Duration) // each minute
			from, to time.Duration                       // when it is given up
		}{
			"silent": {func(*place, time.Duration) {}, 3 * time.Minute, 10 * time.Minute},
			"with progress for a quarter of an hour": {func(p *place, since time.Duration) {
				p.writes(feedd, platform.PhaseStarting, func(s *state.State) { s.StatusText = min(since, 15*time.Minute).String() })
			}, 18 * time.Minute, 26 * time.Minute},
			"while its service crashes again and again": {func(p *place, since time.Duration) {
				p.writes(proc.Identity{PID: int(since / time.Minute)}, platform.PhaseStarting, func(s *state.State) { s.StatusText = since.String() })
			}, 3 * time.Minute, 13 * time.Minute},
		} {
			if runtime.GOOS == "windows" && name != "silent" && verb != "stop" {
				continue // the same for all of them, and it reads a file each second: Wine takes its time for that
			}
			t.Run(verb+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newPlace(t)
					p.cfg.Log.File = p.dir + "/none.log"
					running(p)
					p.m.fails = errHangs
					ctx, stop := context.WithCancel(t.Context())
					defer stop()
					begun := time.Now()
					go func() {
						for minute := time.Minute; ctx.Err() == nil; minute += time.Minute {
							tt.alive(p, minute)
							time.Sleep(time.Minute)
						}
					}()
					err := p.runOn(ctx, p.machine(), verb)
					took := time.Since(begun)
					if !errors.Is(err, platform.ErrTimeout) || !strings.Contains(fmt.Sprint(err), "fake has not finished, and the service has made no progress for ") {
						t.Errorf("got %v", err)
					}
					if took < tt.from || took > tt.to {
						t.Errorf("given up after %v", took)
					}
					stop()
					time.Sleep(2 * time.Minute)
				})
			})
		}
	}
}

// An uninstall that stops the service through the manager has the same limit.
func TestAStopThatHangsEndsAnUninstall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.cfg.Log.File = p.dir + "/none.log"
		p.m.acts, p.m.removal = errHangs, []platform.Step{{Kind: platform.StepStop, Describe: "stop the service"}}
		begun := time.Now()
		err := p.runOn(t.Context(), p.machine(), "uninstall")
		if took := time.Since(begun); !errors.Is(err, platform.ErrTimeout) || took > 10*time.Minute {
			t.Errorf("got %v after %v", err, took)
		}
	})
}

// Commands do not wait for a manager that does not report a status.
func TestAManagerThatDoesNotAnswerIsSaid(t *testing.T) {
	for args, code := range map[string]int{"status": 4, "start": 1, "plan": 0} {
		t.Run(args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				running(p)
				p.m.broken = errHangs
				begun := time.Now()
				got, err := p.run(args)
				if all := fmt.Sprint(err, p.out.String()); code != 0 && !strings.Contains(all, "took too long") || args != "status" && got != code {
					t.Errorf("code %d: %s", got, all)
				}
				if took := time.Since(begun); took > 30*time.Second {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

// The commands of an install have a limit, too. The install is then rolled back.
func TestAnInstallWhoseManagerHangsIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.m.steps = []platform.Step{
			{Kind: platform.StepRun, Describe: "start it at boot", Argv: []string{"enable"}, Undo: []string{"disable"}},
			{Kind: platform.StepRun, Describe: "tell the manager", Argv: []string{"hang"}},
		}
		begun := time.Now()
		code, err := p.run("install")
		if code != 1 || !errors.Is(err, platform.ErrTimeout) || !strings.Contains(fmt.Sprint(err), "it did not end within ") {
			t.Errorf("code %d: %v", code, err)
		}
		if got := strings.Join(p.did, " "); got != "enable hang disable" {
			t.Errorf("it did %s", got)
		}
		if took := time.Since(begun); took > 10*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
