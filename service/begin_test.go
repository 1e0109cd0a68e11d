//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

func TestSecondInstanceIsRefused(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), &program{})
	b.await(platform.PhaseReady)
	err := service.RunOn(t.Context(), &host{requests: make(chan platform.Request)}, nil, b.cfg, &program{})
	if !errors.Is(err, singleton.ErrHeld) || service.ExitCode(err) != 75 {
		t.Errorf("second instance: %v", err)
	}
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

func TestProgramFunc(t *testing.T) {
	t.Run("stops with its context", func(t *testing.T) {
		b := newBench(t)
		b.run(t.Context(), service.ProgramFunc(func(ctx context.Context, rt *service.Runtime) error {
			rt.Ready()
			rt.Ready() // once more does nothing
			<-ctx.Done()
			return ctx.Err()
		}))
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
	t.Run("ends by itself", func(t *testing.T) {
		b := newBench(t)
		b.run(t.Context(), service.ProgramFunc(func(_ context.Context, rt *service.Runtime) error {
			rt.Ready()
			return nil
		}))
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
	t.Run("fails after it was ready", func(t *testing.T) {
		b := newBench(t)
		broken := errors.New("broken")
		b.run(t.Context(), service.ProgramFunc(func(_ context.Context, rt *service.Runtime) error {
			rt.Ready()
			return broken
		}))
		if err := b.end(); !errors.Is(err, broken) || service.ExitCode(err) != 1 {
			t.Error(err)
		}
	})
}

// A recoverer counts the calls of Recover.
type recoverer struct {
	program
	seen []recovery.LastRun
}

func (r *recoverer) Recover(_ context.Context, last recovery.LastRun) error {
	r.seen = append(r.seen, last)
	return nil
}

// A run that is asked to stop before it has recovered leaves that to the next one.
func TestAStopBeforeTheRecoveryLeavesItToTheNextRun(t *testing.T) {
	b := newBench(t)
	failing := &recoverer{program: program{stop: func(context.Context) error { return errors.New("half done") }}}
	b.run(t.Context(), failing)
	b.await(platform.PhaseReady)
	b.stop()
	_ = b.end()

	early, cancel := context.WithCancel(t.Context())
	cancel()
	never := &recoverer{}
	b.run(early, never) // stopped before Recover
	if err := b.end(); err != nil || len(never.seen) != 0 {
		t.Errorf("%v, Recover called %d times, want 0", err, len(never.seen))
	}
	for i, want := range []int{1, 0} {
		p := &recoverer{}
		b.run(t.Context(), p)
		b.await(platform.PhaseReady)
		b.stop()
		_ = b.end()
		if len(p.seen) != want {
			t.Errorf("run %d after it: Recover called %d times, want %d", i+1, len(p.seen), want)
		}
		if i == 0 && len(p.seen) == 1 && (p.seen[0].How() != recovery.Clean || p.seen[0].Restarts != 1) {
			t.Errorf("Recover was told: %s, %d restarts", p.seen[0].How(), p.seen[0].Restarts)
		}
	}
}

func TestRecoverHearsOfABadEnd(t *testing.T) {
	b := newBench(t)
	for i, p := range []*recoverer{
		{program: program{stop: func(context.Context) error { return errors.New("half done") }}}, // after nothing
		{}, // after a failure
		{}, // after a clean end
	} {
		b.run(t.Context(), p)
		b.await(platform.PhaseReady)
		b.stop()
		_ = b.end()
		want := 0
		if i == 1 {
			want = 1
		}
		if len(p.seen) != want {
			t.Errorf("run %d: Recover called %d times, want %d", i+1, len(p.seen), want)
		}
	}
}
