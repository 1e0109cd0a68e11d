//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
)

// lead begins a life that leads at once.
func (b *bench) lead(e *election, token uint64, p service.Program) *ballot {
	term := e.elect(token)
	b.candidacy(e, p)
	b.await(platform.PhaseReady)
	return term
}

func TestALostTermIsFollowedByACampaignInTheSameProcess(t *testing.T) {
	for name, lose := range map[string]func(*ballot, *service.Runtime){
		"the engine says so":       func(term *ballot, _ *service.Runtime) { close(term.lost) },
		"no renewal arrives":       func(term *ballot, _ *service.Runtime) { term.silence(electionTTL / 2) },
		"the program resigns":      func(_ *ballot, rt *service.Runtime) { _ = rt.Term().Resign(context.Background()) },
		"lost, and soon at an end": func(term *ballot, _ *service.Runtime) { term.silence(electionStop); close(term.lost) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				e, w := newElection(), newWorker()
				term := b.lead(e, 7, w)
				rt := <-w.rt
				held := singletonOf(b)
				lose(term, rt)
				<-e.candidates // of the second life
				b.await(platform.PhaseReady)
				if s := b.state(); s.Phase != platform.PhaseStandby {
					t.Errorf("the phase is %s", s.Phase)
				}
				if starts, stops := w.did(); len(starts) != 1 || stops != 1 {
					t.Errorf("starts %v, stops %d", starts, stops)
				}
				if got := e.noted(); !slices.Equal(got, []string{"resigned", "closed"}) {
					t.Errorf("the engine saw %q", got)
				}
				if again := singletonOf(b); again != held {
					t.Errorf("the lock was let go: held by %q, then by %q", held, again)
				}
				e.elect(9)
				b.await(platform.PhaseReady)
				if slices.Contains(b.phases, platform.PhaseStopping) {
					t.Error("the manager was told of a stop")
				}
				b.stop()
				if err := b.end(); err != nil {
					t.Error(err)
				}
				if starts, stops := w.did(); !slices.Equal(starts, []uint64{7, 9}) || stops != 2 {
					t.Errorf("starts %v, stops %d", starts, stops)
				}
				if _, err := singleton.Probe(lockOf(b)); !errors.Is(err, singleton.ErrFree) {
					t.Errorf("the lock is still held: %v", err)
				}
			})
		})
	}
}

// The engine's reason is in the log, and a lost term is no failure.
func TestWhyATermIsLostIsTold(t *testing.T) {
	refused := errors.New("it refuses the user")
	for name, tt := range map[string]struct {
		cause error
		lose  func(*ballot)
		want  string
	}{
		"the engine says so":                 {refused, func(term *ballot) { close(term.lost) }, "the term is lost: it refuses the user"},
		"the engine knows no reason":         {nil, func(term *ballot) { close(term.lost) }, "the term is lost: it is not renewed any more"},
		"the service is the first to see it": {refused, func(term *ballot) { term.silence(electionTTL / 2) }, "the term is lost: it was not renewed in time, and the term ends in "},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				e := newElection()
				term := b.lead(e, 7, newWorker())
				term.cause = tt.cause
				tt.lose(term)
				<-e.candidates // of the second life
				b.await(platform.PhaseReady)
				b.stop()
				if err := b.end(); err != nil {
					t.Error(err)
				}
				text := b.logText()
				if !strings.Contains(text, tt.want) || strings.Contains(text, "a failure") || tt.cause != nil && !strings.Contains(text, tt.cause.Error()) {
					t.Errorf("the log:\n%s", text)
				}
			})
		})
	}
}

func lockOf(b *bench) singleton.Options {
	return singleton.Options{Name: "feedd", Dir: b.cfg.RuntimeDir, StateDir: b.cfg.StateDir}
}

// singletonOf returns the record of the machine's lock, which has the time of its claim.
func singletonOf(b *bench) string {
	text, err := os.ReadFile(lockOf(b).LockFile())
	if err != nil {
		b.t.Error(err)
	}
	return string(text)
}

// Everything is over before the deadline, and the last moments belong to the records.
func TestAStopThatHangsIsForcedBeforeTheDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		term := b.lead(e, 7, &program{stop: func(context.Context) error { hang(); return nil }})
		term.silence(electionTTL / 2)
		if err := b.end(); !errors.Is(err, service.ErrOverrun) {
			t.Error(err)
		}
		if left := time.Until(term.Deadline()); left < time.Second {
			t.Errorf("it ended %v before the deadline", left)
		}
		if got := e.noted(); len(got) > 0 {
			t.Errorf("a program that may still be at work handed over: %q", got)
		}
	})
}

// Progress prolongs no stop beyond the deadline.
func TestProgressDoesNotProlongATerm(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		term := b.lead(e, 7, &program{stop: func(ctx context.Context) error {
			for ctx.Err() == nil {
				service.FromContext(ctx).Progress("still at it")
				time.Sleep(time.Second)
			}
			return nil
		}})
		term.silence(electionTTL / 2)
		if err := b.end(); !errors.Is(err, service.ErrForced) || time.Until(term.Deadline()) < time.Second {
			t.Errorf("%v before the deadline: %v", time.Until(term.Deadline()), err)
		}
	})
}

// A stop that was requested continues to be renewed; without renewals it is cut short.
func TestARequestedStopIsCutShortByTheDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		term := b.lead(e, 7, &program{stop: func(context.Context) error { hang(); return nil }})
		b.stop()
		synctest.Wait()
		term.silence(electionStop)
		if err := b.end(); !errors.Is(err, service.ErrForced) || time.Until(term.Deadline()) < time.Second {
			t.Errorf("%v before the deadline: %v", time.Until(term.Deadline()), err)
		}
	})
}

// A process that was suspended beyond its deadline ends at once, and calls no step.
func TestAProcessBeyondItsDeadlineIsForcedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e, w := newElection(), newWorker()
		term := b.lead(e, 7, w)
		term.silence(-time.Minute)
		begun := time.Now()
		if err := b.end(); !errors.Is(err, service.ErrForced) || time.Since(begun) > 3*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		if got := e.noted(); len(got) > 0 {
			t.Errorf("the engine saw %q", got)
		}
	})
}

func TestALostTermEndsTheProcessIfItHasTo(t *testing.T) {
	for name, set := range map[string]func(*bench, *worker){
		"on_lost is exit": func(b *bench, _ *worker) { b.cfg.Cluster = exits{b.cfg.Cluster} },
		"the manager has handed over a file": func(b *bench, _ *worker) {
			f, err := os.Open(os.DevNull)
			if err != nil {
				b.t.Fatal(err)
			}
			b.files = []*os.File{f}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				e, w := newElection(), newWorker()
				term := e.elect(7)
				b.cfg.Cluster, b.cfg.StopTimeout = e, electionStop
				set(b, w)
				b.run(t.Context(), w)
				b.await(platform.PhaseReady)
				close(term.lost)
				err := b.end()
				if !errors.Is(err, service.ErrTermLost) || errors.Is(err, service.ErrForced) || service.ExitCode(err) != platform.ExitFailed {
					t.Errorf("exit code %d: %v", service.ExitCode(err), err)
				}
				if _, stops := w.did(); stops != 1 || !slices.Contains(b.phases, platform.PhaseStopping) {
					t.Errorf("%d stops, phases %v", stops, b.phases)
				}
			})
		})
	}
}

// exits is a cluster with on_lost = "exit".
type exits struct{ service.Cluster }

func (e exits) Defaults() any {
	d := e.Cluster.Defaults().(*electionSettings)
	d.OnLost = service.LostExit
	return d
}

// A failed step of the stop leaves the program in an unknown state: the process ends.
func TestAStopThatFailsAfterALostTermEndsTheProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		term := b.lead(e, 7, &program{stop: func(context.Context) error { return errors.New("still open") }})
		close(term.lost)
		if err := b.end(); err == nil || !strings.Contains(err.Error(), "still open") {
			t.Error(err)
		}
	})
}

// A stop that is requested while a lost term is wound up ends the process.
func TestAStopDuringALostTermEndsTheProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e, w := newElection(), newWorker()
		w.slow = 2 * time.Second
		term := b.lead(e, 7, w)
		close(term.lost)
		time.Sleep(time.Second)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if len(e.candidates) > 0 {
			t.Error("it campaigned again")
		}
		if _, err := singleton.Probe(lockOf(b)); !errors.Is(err, singleton.ErrFree) {
			t.Errorf("the lock is still held: %v", err)
		}
	})
}

// A stop that was requested remains one if the term is lost meanwhile.
func TestATermLostDuringAStopIsNoFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e, w := newElection(), newWorker()
		w.slow = 2 * time.Second
		term := e.elect(7)
		b.cfg.Cluster, b.cfg.StopTimeout = exits{e}, electionStop
		b.run(t.Context(), w)
		b.await(platform.PhaseReady)
		b.stop()
		time.Sleep(time.Second)
		close(term.lost)
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// The network may be what the term was lost by. The candidate that follows stands by at once,
// because its manager expects keep-alives.
func TestTheNetworkIsNotWaitedForAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e, w := newElection(), newWorker()
		online := true
		b.name, b.cfg.NeedsNetwork = "launchd", true
		b.machine.Online = func() bool { return online }
		term := b.lead(e, 7, w)
		online = false
		begun := time.Now()
		close(term.lost)
		<-e.candidates
		b.await(platform.PhaseReady)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("it stood by after %v", took)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// A second life that cannot read its configuration does not keep the lock.
func TestABrokenFileAfterALostTermLetsTheNameGo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e, w := newElection(), newWorker()
		b.cfg.File = b.cfg.RuntimeDir + ".toml"
		if err := os.WriteFile(b.cfg.File, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		term := b.lead(e, 7, w)
		if err := os.WriteFile(b.cfg.File, []byte("[service]\nnonsense = 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		close(term.lost)
		if err := b.end(); !errors.Is(err, service.ErrConfig) {
			t.Error(err)
		}
		if _, err := singleton.Probe(lockOf(b)); !errors.Is(err, singleton.ErrFree) {
			t.Errorf("the lock is still held: %v", err)
		}
	})
}

func TestAFailedResignationIsNoFailureOfTheService(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		e := newElection()
		term := b.lead(e, 7, newWorker())
		term.fails = errors.New("no answer")
		b.stop()
		if err := b.end(); err != nil || !strings.Contains(b.logText(), "no answer") {
			t.Errorf("%v; the log:\n%s", err, b.logText())
		}
	})
}

func TestStepsOfALeaderAreCancelledWithItsTerm(t *testing.T) {
	said := func(term *ballot) { close(term.lost) }
	silent := func(term *ballot) { term.silence(electionStop) } // the engine closes nothing
	for name, tt := range map[string]struct {
		lose   func(*ballot)
		before bool
		want   string
	}{
		"lost during the step":            {said, false, "begun, then the term is lost"},
		"lost before the stop":            {said, true, ""},
		"not renewed from the step on":    {silent, false, "begun, then the term is lost"},
		"no longer renewed for some time": {silent, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				e := newElection()
				inStep, got := make(chan struct{}), ""
				term := b.lead(e, 7, &program{start: func(_ context.Context, rt *service.Runtime) error {
					rt.OnStopAsLeader("publish", 0, func(ctx context.Context) error {
						close(inStep)
						got = "begun, then "
						<-ctx.Done()
						got += context.Cause(ctx).Error()
						return nil
					})
					return nil
				}})
				if tt.before {
					tt.lose(term)
					<-e.candidates
					b.await(platform.PhaseReady)
					b.stop()
				} else {
					b.stop()
					<-inStep
					tt.lose(term)
				}
				if err := b.end(); err != nil || got != tt.want {
					t.Errorf("%v, %q", err, got)
				}
			})
		})
	}
}

func TestATTLThatIsTooShortIsAnErrorThatSaysByHowMuch(t *testing.T) {
	c := service.Config{Name: "feedd", Cluster: newElection(), StopTimeout: 6 * time.Second, File: t.TempDir() + "/feedd.toml"}
	for text, want := range map[string]string{
		"":                    "",
		"ttl = '20s'":         "",
		"ttl = '15s'":         "15s is 5s too short for a stop_timeout of 6s: it has to be 20s, or stop_timeout 2.5s shorter",
		"on_lost = 'nothing'": `"nothing" is not one of campaign, exit`,
		"enpoint = 'x'":       `did you mean "endpoint"?`,
		"tll = '30s'":         `did you mean "ttl"?`,
	} {
		loaded, err := c.LoadAs("[service.cluster]\n" + text + "\n")
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ":2: ")):
			t.Errorf("%q: %v", text, err)
		case want == "" && loaded.Settings()["cluster.ttl"] == "":
			t.Errorf("%q: the settings are %v", text, loaded.Settings())
		}
	}
}
