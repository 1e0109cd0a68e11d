//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Issue 9, fault B: whatever blocks between the first line of Run and the start, requests are
// received and take effect.
func TestSignalsWhileSomethingBlocksBeforeTheStart(t *testing.T) {
	for where, c := range map[string]struct {
		block    func(m *service.Machine, block func())
		patience time.Duration // after a first request
		stopped  error         // the error after the first request
	}{
		"the configuration is read": {
			func(m *service.Machine, block func()) {
				m.Load = func(c service.Config) (service.Config, error) { block(); return c.Load() }
			}, time.Second, nil,
		},
		"the log is opened": {
			func(m *service.Machine, block func()) {
				open := m.OpenLog
				m.OpenLog = func(name string, o logsink.Options) (*logsink.Sink, error) { block(); return open(name, o) }
			}, time.Second, nil,
		},
		"the name is taken": {
			func(m *service.Machine, block func()) {
				m.Acquire = func(o singleton.Options) (*singleton.Lock, error) { block(); return singleton.Acquire(o) }
			}, 5 * time.Second, service.ErrForced,
		},
	} {
		for how, d := range map[string]struct {
			ask  func(b *bench, cancel func())
			took time.Duration
			want error
		}{
			"one request":            {func(b *bench, _ func()) { b.stop() }, c.patience, c.stopped},
			"the end of its context": {func(_ *bench, cancel func()) { cancel() }, c.patience, c.stopped},
			"two requests":           {func(b *bench, _ func()) { b.stop(); b.stop() }, 0, service.ErrForced},
			"a reload and a stop":    {func(b *bench, _ func()) { b.ask(platform.RequestReload); b.stop() }, c.patience, c.stopped},
			"nobody asks":            {func(*bench, func()) {}, time.Minute, service.ErrOverrun},
		} {
			t.Run(where+", "+how, func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bench) {
					c.block(&b.machine, hang)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					begun := time.Now()
					b.run(ctx, &program{start: func(context.Context, *service.Runtime) error {
						t.Error("Start was called")
						return nil
					}})
					synctest.Wait() // it blocks
					d.ask(b, cancel)
					err := b.end()
					if took := time.Since(begun); took != d.took {
						t.Errorf("it ended after %v, want %v", took, d.took)
					}
					code := platform.ExitFailed
					if d.want == nil {
						code = platform.ExitOK
					}
					if !errors.Is(err, d.want) || service.ExitCode(err) != code {
						t.Errorf("it ended with %v, exit code %d; want %v", err, service.ExitCode(err), d.want)
					}
				})
			})
		}
	}
}

// A claim that was abandoned and succeeds later is undone, so that the name is free for the
// next process.
func TestClaimThatComesTooLate(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Acquire = func(o singleton.Options) (*singleton.Lock, error) {
			time.Sleep(time.Minute)
			return singleton.Acquire(o)
		}
		b.run(t.Context(), &program{})
		synctest.Wait()
		b.stop()
		if err := b.end(); !errors.Is(err, service.ErrForced) {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		lock, err := singleton.Acquire(singleton.Options{Name: "feedd", Dir: b.cfg.RuntimeDir, StateDir: b.cfg.StateDir})
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
	})
}

// If nothing blocks, a stop runs in order, however early it is requested.
func TestStopAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Load = func(c service.Config) (service.Config, error) {
			b.stop()
			return c.Load()
		}
		b.run(t.Context(), &program{})
		if err := b.end(); err != nil {
			t.Error(err)
		}
		b.await(platform.PhaseStopping)
	})
}

// Issue 9, fault 2: if ctx comes from signal.NotifyContext, one signal both ends ctx and
// requests a stop, in any order. That is one request.
func TestEndOfTheContextIsNeverTheSecondRequest(t *testing.T) {
	for name, ask := range map[string]func(b *bench, cancel func()){
		"the context first": func(b *bench, cancel func()) { cancel(); synctest.Wait(); b.stop() },
		"the signal first":  func(b *bench, cancel func()) { b.stop(); synctest.Wait(); cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				saved := false
				b.run(ctx, &program{
					start: func(_ context.Context, rt *service.Runtime) error {
						rt.OnStop("save", 0, func(context.Context) error { saved = true; return nil })
						return nil
					},
					stop: func(context.Context) error { time.Sleep(time.Second); return nil },
				})
				b.await(platform.PhaseReady)
				ask(b, cancel)
				if err := b.end(); err != nil || !saved {
					t.Errorf("saved=%v, %v", saved, err)
				}
			})
		})
	}
	t.Run("a second signal still is", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bench) {
			ctx, cancel := context.WithCancel(t.Context())
			b.run(ctx, &program{stop: func(context.Context) error { hang(); return nil }})
			b.await(platform.PhaseReady)
			cancel()
			b.stop()
			b.stop()
			if err := b.end(); !errors.Is(err, service.ErrForced) {
				t.Error(err)
			}
		})
	})
}
