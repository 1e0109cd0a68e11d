//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

func TestACandidateThatWaitsIsReadyAndStartsWhenItLeads(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e, w := newElection(), newWorker()
		c := b.candidacy(e, w)
		if c.ID != "feedd" || !strings.HasPrefix(c.Name, "feedd@") {
			t.Errorf("the candidate is %+v", c)
		}
		c.Told("feedd@other leads since 10:02")
		b.await(platform.PhaseReady)
		synctest.Wait()
		s := b.state()
		if s.Phase != platform.PhaseStandby || s.StatusText != "standby: feedd@other leads since 10:02" || !s.Ready() || s.ReadyAt.IsZero() ||
			s.Cluster == nil || s.Cluster.Role != state.RoleStandby || s.Cluster.Name != "feedd" {
			t.Errorf("the state is %+v, cluster %+v", s, s.Cluster)
		}
		time.Sleep(10 * time.Minute) // no limit ends the wait; on Windows the name is looked at each second
		if starts, _ := w.did(); len(starts) > 0 {
			t.Fatal("it started without a term")
		}
		if s := b.state(); s.StatusText != "standby: feedd@other leads since 10:02" {
			t.Errorf("after that time it says %q", s.StatusText)
		}
		e.elect(7)
		b.await(platform.PhaseReady)
		s = b.state()
		if s.Phase != platform.PhaseReady || s.StatusText != "leads, term 7" || s.Cluster.Role != state.RoleLeader || s.Cluster.Term != 7 {
			t.Errorf("the leader's state is %+v, cluster %+v", s, s.Cluster)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Fatal(err)
		}
		if starts, stops := w.did(); !slices.Equal(starts, []uint64{7}) || stops != 1 {
			t.Errorf("starts %v, stops %d", starts, stops)
		}
		if got := e.noted(); !slices.Equal(got, []string{"resigned", "closed"}) {
			t.Errorf("the engine saw %q", got)
		}
		if slices.Contains(b.phases, platform.PhaseStandby) || slices.Contains(b.phases, platform.PhaseStarting) {
			t.Errorf("the manager was told of a phase that it does not know: %v", b.phases)
		}
	})
}

func TestAnElectionThatIsWonAtOnceIsAPlainStart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		e.elect(1)
		b.candidacy(e, newWorker())
		b.await(platform.PhaseReady)
		if s := b.state(); s.Phase != platform.PhaseReady {
			t.Errorf("the phase is %s", s.Phase)
		}
		b.stop()
		if err := b.end(); err != nil || len(b.phases) != 2 {
			t.Errorf("%v, phases %v", err, b.phases)
		}
	})
}

// A term that is over when it is won starts nothing.
func TestATermThatIsOverAlreadyStartsNothing(t *testing.T) {
	for name, end := range map[string]func(*ballot){
		"beyond its deadline": func(term *ballot) { term.silence(-time.Minute) },
		"lost":                func(term *ballot) { close(term.lost) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				e, w := newElection(), newWorker()
				end(e.elect(7))
				b.candidacy(e, w)
				select {
				case err := <-b.done: // it was forced to end
					t.Log(err)
				case <-time.After(time.Minute): // it stands by again
					b.stop()
					_ = b.end()
				}
				if starts, _ := w.did(); len(starts) > 0 {
					t.Errorf("starts %v", starts)
				}
			})
		})
	}
}

// start_timeout begins with the term, and the resignation does not wait for a restart.
func TestTheStartTimeoutOfALeaderCountsFromItsTerm(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		b.cfg.StartTimeout = time.Minute
		var begun time.Time
		b.candidacy(e, &program{start: func(ctx context.Context, _ *service.Runtime) error {
			begun = time.Now()
			<-ctx.Done()
			return context.Cause(ctx)
		}})
		b.await(platform.PhaseReady)
		time.Sleep(10 * time.Minute)
		e.elect(1)
		if err := b.end(); !errors.Is(err, service.ErrOverrun) || time.Since(begun) < time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		if got := e.noted(); !slices.Equal(got, []string{"resigned", "closed"}) {
			t.Errorf("the engine saw %q", got)
		}
	})
}

func TestAStandbyStopsAtOnce(t *testing.T) {
	for name, deaf := range map[string]bool{"": false, "though its engine hangs": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				e, w := newElection(), newWorker()
				e.deaf = deaf
				b.candidacy(e, w)
				b.await(platform.PhaseReady)
				b.stop()
				begun := time.Now()
				err := b.end()
				if deaf != (err != nil) || time.Since(begun) > electionStop {
					t.Errorf("after %v: %v", time.Since(begun), err)
				}
				if starts, stops := w.did(); len(starts)+stops > 0 {
					t.Errorf("starts %v, stops %d", starts, stops)
				}
				if got := e.noted(); !deaf && !slices.Equal(got, []string{"closed"}) || deaf && len(got) > 0 {
					t.Errorf("the engine saw %q", got)
				}
				if deaf {
					e.results <- result{}
				}
			})
		})
	}
}

// A term that is won while the candidate stops is handed over.
func TestATermWonDuringTheStopIsResigned(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e, w := newElection(), newWorker()
		e.deaf = true
		b.candidacy(e, w)
		b.await(platform.PhaseReady)
		b.stop()
		synctest.Wait()
		e.elect(3)
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if starts, _ := w.did(); len(starts) > 0 || !slices.Equal(e.noted(), []string{"resigned", "closed"}) {
			t.Errorf("starts %v, the engine saw %q", starts, e.noted())
		}
	})
}

func TestAnEngineThatCannotBeReachedIsWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		for range 20 {
			e.results <- result{err: errors.New("connection refused")}
			if len(e.results) > 8 {
				break
			}
		}
		b.candidacy(e, newWorker())
		b.await(platform.PhaseReady)
		if s := b.state(); s.Phase != platform.PhaseStandby || s.StatusText != "standby: the election failed: Campaign: connection refused" {
			t.Errorf("%s: %q", s.Phase, s.StatusText)
		}
		time.Sleep(10 * time.Minute)
		if len(e.results) > 0 {
			t.Error("it did not campaign again")
		}
		e.elect(1)
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnElectorThatCannotBeMadeFailsTheStart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		e.refused = errors.Join(service.ErrConfig, errors.New("no such certificate"))
		b.candidacy(e, newWorker())
		if err := b.end(); !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), "no such certificate") {
			t.Error(err)
		}
	})
}

// A standby feeds the watchdog, also while it starts as the leader.
func TestAStandbyFeedsTheWatchdog(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.watchdog = 10 * time.Second
		e := newElection()
		b.candidacy(e, &program{start: func(_ context.Context, rt *service.Runtime) error {
			rt.HealthCheck("early", func(context.Context) error { return errors.New("not asked before it is ready") })
			time.Sleep(30 * time.Second)
			return nil
		}})
		fed := func(during time.Duration) (n int) {
			time.Sleep(during)
			for n1 := range b.rest() {
				if n1.Alive {
					n++
				}
			}
			return n
		}
		if n := fed(time.Minute); n < 10 {
			t.Errorf("fed %d times while it waited", n)
		}
		e.elect(1)
		if n := fed(29 * time.Second); n < 5 {
			t.Errorf("fed %d times while it started", n)
		}
		b.await(platform.PhaseReady)
		b.stop()
		_ = b.end()
	})
}

func TestAReloadOfAStandbyChecksTheFileAndKeepsTheProgramOut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		reloads := 0
		b.cfg.File, b.cfg.Tables = filepath.Join(b.cfg.RuntimeDir+".toml"), []string{"feed"}
		write := func(text string) {
			if err := os.WriteFile(b.cfg.File, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("[feed]\nurl = 'a'\n")
		b.candidacy(e, &program{reload: func(context.Context) error { reloads++; return nil }})
		b.await(platform.PhaseReady)
		write("[feed]\nurl = 'b'\n[service]\nstop_timeout = 'x'\n")
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		if s := b.state(); s.Phase != platform.PhaseStandby || s.Reloads.Failed != 1 {
			t.Errorf("%s, %+v", s.Phase, s.Reloads)
		}
		write("[feed]\nurl = 'b'\n")
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		if s := b.state(); s.Phase != platform.PhaseStandby || s.Reloads.Completed != 2 || s.Reloads.Failed != 1 || reloads != 0 {
			t.Errorf("%s, %+v, %d reloads of the program", s.Phase, s.Reloads, reloads)
		}
		e.elect(1)
		b.await(platform.PhaseReady)
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		if strings.Contains(b.logText(), "take effect at the next start") || reloads != 1 {
			t.Errorf("%d reloads of the program; the log:\n%s", reloads, b.logText())
		}
		b.stop()
		_ = b.end()
	})
}

// A reload that is requested while a candidate starts as the leader waits for its readiness.
func TestAReloadDuringTheStartOfALeaderWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		started := make(chan struct{})
		early := false
		b.candidacy(e, &program{
			start: func(context.Context, *service.Runtime) error { <-started; return nil },
			reload: func(context.Context) error {
				select {
				case <-started:
				default:
					early = true
				}
				return nil
			},
		})
		b.await(platform.PhaseReady)
		e.elect(1)
		synctest.Wait()
		b.ask(platform.RequestReload)
		time.Sleep(time.Second)
		close(started)
		b.await(platform.PhaseReady)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil || early {
			t.Errorf("%v, early %v", err, early)
		}
	})
}
