//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// Issue 9, fault 5: whatever hangs in a stop, the later goroutines and steps get their turn
// within the stop timeout.
func TestWhatHangsInAStopLeavesTimeForTheRest(t *testing.T) {
	const timeout = 40 * time.Second
	for name, c := range map[string]struct {
		steps  int
		start  func(context.Context, *service.Runtime) error // nil: succeeds
		stop   func(context.Context) error
		reload func(context.Context) error
		deaf   bool // a goroutine that ignores its context
	}{
		"Stop, and there are no steps": {stop: func(context.Context) error { hang(); return nil }},
		"Stop, and there are steps":    {steps: 3, stop: func(context.Context) error { hang(); return nil }},
		"Start":                        {steps: 1, start: func(context.Context, *service.Runtime) error { hang(); return nil }},
		"Reload":                       {steps: 1, reload: func(context.Context) error { hang(); return nil }},
		"a goroutine":                  {steps: 2, deaf: true},
		"Reload, Stop and a goroutine": {steps: 2, deaf: true, stop: func(context.Context) error { hang(); return nil }, reload: func(context.Context) error { hang(); return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.StopTimeout, b.cfg.ReloadTimeout = timeout, time.Hour
				var mu sync.Mutex
				var cancelled, stepped []time.Duration
				var begun time.Time
				inStart := make(chan struct{})
				b.run(t.Context(), &program{
					start: func(ctx context.Context, rt *service.Runtime) error {
						rt.Go("worker", func(ctx context.Context) error {
							<-ctx.Done()
							time.Sleep(time.Second) // the work of its cleanup
							mu.Lock()
							defer mu.Unlock()
							cancelled = append(cancelled, time.Since(begun))
							return nil
						})
						if c.deaf {
							rt.Go("deaf", func(context.Context) error { hang(); return nil })
						}
						for i := range c.steps {
							rt.OnStop(fmt.Sprint("step ", i), 0, func(ctx context.Context) error {
								mu.Lock()
								defer mu.Unlock()
								stepped = append(stepped, time.Since(begun))
								return ctx.Err()
							})
						}
						close(inStart)
						if c.start != nil {
							return c.start(ctx, rt)
						}
						return nil
					},
					stop: c.stop, reload: c.reload,
				})
				<-inStart
				if c.start == nil {
					b.await(platform.PhaseReady)
				}
				if c.reload != nil {
					b.ask(platform.RequestReload)
					synctest.Wait() // it hangs
				}
				begun = time.Now()
				b.stop()
				err := b.end()
				took := time.Since(begun)
				mu.Lock()
				defer mu.Unlock()
				if len(cancelled) != 1 || len(stepped) != c.steps {
					t.Errorf("%d goroutines of 1 and %d steps of %d had their turn", len(cancelled), len(stepped), c.steps)
				}
				if took > timeout {
					t.Errorf("the stop took %v of %v", took, timeout)
				}
				if !errors.Is(err, service.ErrOverrun) || errors.Is(err, service.ErrForced) {
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
}

// A Stop without later steps gets nearly all of the time.
func TestStopAloneHasTheTime(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.StopTimeout = 30 * time.Second
		b.run(t.Context(), &program{stop: func(context.Context) error { time.Sleep(28 * time.Second); return nil }})
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// A second request skips the remaining steps, but cancels the goroutines.
func TestForcedStopCancelsGoroutines(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		ended := make(chan struct{})
		b.run(t.Context(), &program{
			start: func(_ context.Context, rt *service.Runtime) error {
				rt.Go("worker", func(ctx context.Context) error { <-ctx.Done(); close(ended); return nil })
				return nil
			},
			stop: func(context.Context) error { hang(); return nil },
		})
		b.await(platform.PhaseReady)
		b.stop()
		b.await(platform.PhaseStopping)
		b.stop()
		if err := b.end(); !errors.Is(err, service.ErrForced) {
			t.Error(err)
		}
		<-ended
	})
}

// Issue 9, fault 6: the end of a reload never changes the phase back from stopping, neither in
// the state file, which managers read, nor for the host.
func TestNoWayBackFromStopping(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.StopTimeout = time.Hour
		var phases []platform.Phase // in the file, during the stop
		var mu sync.Mutex
		look := func() {
			mu.Lock()
			defer mu.Unlock()
			phases = append(phases, b.state().Phase)
		}
		b.run(t.Context(), &program{
			reload: func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(10 * time.Second)
				return nil
			},
			stop: func(context.Context) error {
				look()
				time.Sleep(time.Second) // for late writes
				look()
				return nil
			},
		})
		b.await(platform.PhaseReady)
		b.ask(platform.RequestReload)
		synctest.Wait() // it runs
		b.stop()
		time.Sleep(time.Second)
		synctest.Wait()
		look()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		for _, p := range phases {
			if p != platform.PhaseStopping {
				t.Errorf("during the stop the state file says %q", phases)
				break
			}
		}
		if got := fmt.Sprint(b.phases); got != "[ready reloading stopping]" {
			t.Errorf("the manager was told %v", got)
		}
	})
}

// A caller that waits for a reload which the stop cuts short still gets its outcome.
func TestOutcomeOfAReloadDuringTheStop(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var got service.Reloads
		b.run(t.Context(), &program{
			reload: func(ctx context.Context) error { <-ctx.Done(); return errors.New("cut short") },
			stop:   func(context.Context) error { got = b.state().Reloads; return nil },
		})
		b.await(platform.PhaseReady)
		b.ask(platform.RequestReload)
		synctest.Wait() // it runs
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if got.Completed != 1 || got.LastError != "cut short" {
			t.Errorf("%+v", got)
		}
	})
}

// Issue 9, fault 7: Stop is called only after Start has returned nil, even if Ready was called
// before.
func TestStopIsNotCalledAfterStartFailed(t *testing.T) {
	for name, c := range map[string]struct {
		start func(ctx context.Context, rt *service.Runtime) error
		ask   bool
		fails bool
		stops int
	}{
		"Ready, then a failure": {func(_ context.Context, rt *service.Runtime) error {
			rt.Ready()
			time.Sleep(time.Second)
			return errors.New("broken")
		}, false, true, 0},
		"Ready, and it gives up at the stop": {func(ctx context.Context, rt *service.Runtime) error {
			rt.Ready()
			<-ctx.Done()
			return ctx.Err()
		}, true, false, 0},
		"Ready, and it succeeds at the stop": {func(ctx context.Context, rt *service.Runtime) error {
			rt.Ready()
			<-ctx.Done()
			return nil
		}, true, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				stops := 0
				b.run(t.Context(), &program{start: c.start, stop: func(context.Context) error { stops++; return nil }})
				b.await(platform.PhaseReady)
				if c.ask {
					b.stop()
				}
				if err := b.end(); (err != nil) != c.fails {
					t.Error(err)
				}
				if stops != c.stops {
					t.Errorf("Stop was called %d times, want %d", stops, c.stops)
				}
			})
		})
	}
}

// The end of a Start after a stop request is not lost: a panic always counts, and an error
// counts if the program was ready.
func TestStartThatFailsDuringTheStop(t *testing.T) {
	for name, c := range map[string]struct {
		ready bool
		end   func(ctx context.Context) error
		code  int
	}{
		"a panic":             {false, func(context.Context) error { panic("oh") }, platform.ExitCrashed},
		"a panic, ready":      {true, func(context.Context) error { panic("oh") }, platform.ExitCrashed},
		"an error":            {false, func(context.Context) error { return errors.New("cut short") }, platform.ExitOK},
		"an error, ready":     {true, func(context.Context) error { return errors.New("broken") }, platform.ExitFailed},
		"the context, ready":  {true, func(ctx context.Context) error { return ctx.Err() }, platform.ExitOK},
		"the cause, ready":    {true, context.Cause, platform.ExitOK},
		"a wrapped end, both": {true, func(ctx context.Context) error { return fmt.Errorf("dial: %w", ctx.Err()) }, platform.ExitOK},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				inStart := make(chan struct{})
				b.run(t.Context(), &program{start: func(ctx context.Context, rt *service.Runtime) error {
					if c.ready {
						rt.Ready()
					}
					close(inStart)
					<-ctx.Done()
					return c.end(ctx)
				}})
				<-inStart
				if c.ready {
					b.await(platform.PhaseReady)
				}
				b.stop()
				err := b.end()
				if code := service.ExitCode(err); code != c.code {
					t.Errorf("exit code %d, want %d: %v", code, c.code, err)
				}
			})
		})
	}
}

// Issue 9, fault 9: the dump shows all goroutines, however many there are.
func TestDumpOfManyGoroutines(t *testing.T) {
	const many = 10000 // about 3 MB
	inBubble(t, func(t *testing.T, b *bench) {
		end := make(chan struct{})
		defer close(end)
		b.run(t.Context(), &program{
			start: func(context.Context, *service.Runtime) error {
				for range many {
					go func() { <-end }()
				}
				return nil
			},
			stop: func(context.Context) error { hang(); return nil },
		})
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); !errors.Is(err, service.ErrOverrun) {
			t.Error(err)
		}
		log := b.logText()
		if n := strings.Count(log, "still running: goroutine"); n < many {
			t.Errorf("the log shows %d goroutines, want %d", n, many)
		}
		if strings.Contains(log, "more goroutines are running") {
			t.Error("the dump was cut")
		}
	})
}

func TestStacksSayThatTheyWereCut(t *testing.T) {
	if text, cut := service.Stacks(64, 1<<20); cut || !strings.Contains(text, "TestStacksSayThatTheyWereCut") {
		t.Errorf("cut=%v\n%s", cut, text)
	}
	if text, cut := service.Stacks(64, 100); !cut || len(text) != 100 {
		t.Errorf("cut=%v, %d bytes", cut, len(text))
	}
}
