//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// Issue 10: the runtime is available in every call of the program, and has the arguments of
// `run`.
func TestIssue10_RuntimeFromContext(t *testing.T) {
	if rt := service.FromContext(t.Context()); rt != nil {
		t.Errorf("a context of nobody's has %v", rt)
	}
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.Args = []string{"--fast", "x"}
		var mu sync.Mutex
		missing := map[string]bool{}
		saw := func(where string, ctx context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			rt := service.FromContext(ctx)
			missing[where] = rt == nil || rt.Config().Name != "feedd"
			return nil
		}
		b.run(t.Context(), &program{
			start: func(ctx context.Context, rt *service.Runtime) error {
				if args := rt.Args(); !slices.Equal(args, []string{"--fast", "x"}) {
					t.Errorf("arguments %q", args)
				}
				rt.Args()[0] = "changed"
				if rt.Args()[0] != "--fast" {
					t.Error("who changes the arguments changes them for all")
				}
				rt.Go("worker", func(ctx context.Context) error { return saw("Go", ctx) })
				rt.OnStop("step", 0, func(ctx context.Context) error { return saw("OnStop", ctx) })
				rt.HealthCheck("check", func(ctx context.Context) error { return saw("HealthCheck", ctx) })
				return saw("Start", ctx)
			},
			stop:   func(ctx context.Context) error { return saw("Stop", ctx) },
			reload: func(ctx context.Context) error { return saw("Reload", ctx) },
		})
		b.await(platform.PhaseReady)
		synctest.Wait()
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		for _, where := range []string{"Start", "Go", "OnStop", "HealthCheck", "Stop", "Reload"} {
			if missed, seen := missing[where]; missed || !seen {
				t.Errorf("%s: called %v, without a runtime %v", where, seen, missed)
			}
		}
	})
}

// Issue 10: health checks run without a watchdog, too. The state file has their results and
// since when they hold. The service continues.
func TestIssue10_HealthWithoutAWatchdog(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.HealthInterval = 5 * time.Second
		var mu sync.Mutex
		var gone error
		var asked, hangs atomic.Int32
		set := func(err error) {
			mu.Lock()
			defer mu.Unlock()
			gone = err
		}
		b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
			rt.Status("busy")
			rt.HealthCheck("database", func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				asked.Add(1)
				return gone
			})
			rt.HealthCheck("peer", func(ctx context.Context) error {
				mu.Lock()
				failing := gone != nil
				mu.Unlock()
				if failing {
					hangs.Add(1)
					time.Sleep(22 * time.Second) // ignores its context
				}
				return nil
			})
			return nil
		}})
		b.await(platform.PhaseReady)
		synctest.Wait()
		begun := time.Now()
		health := func(name string) (found service.Health) {
			time.Sleep(2 * time.Second) // the state is written a moment later
			for _, h := range b.state().Health {
				if h.Name == name {
					found = h
				}
			}
			return found
		}
		if h := health("database"); !h.OK || !h.Since.Equal(begun) || h.Error != "" {
			t.Errorf("after readiness: %+v", h)
		}
		set(errors.New("gone"))
		time.Sleep(4 * time.Second) // the checks run again at 5 s
		if h := health("database"); h.OK || !h.Since.Equal(begun.Add(5*time.Second)) || h.Error != "gone" {
			t.Errorf("it fails: %+v", h)
		}
		time.Sleep(7 * time.Second)
		if h := health("peer"); h.OK || !strings.Contains(h.Error, service.ErrOverrun.Error()) || hangs.Load() != 1 {
			t.Errorf("one that hangs: %+v, called %d times, want 1", h, hangs.Load())
		}
		if h := health("database"); !h.Since.Equal(begun.Add(5 * time.Second)) {
			t.Errorf("since is of the first in a row: %+v", h)
		}
		set(nil)
		time.Sleep(30 * time.Second)
		if h := health("database"); !h.OK || h.Since.Equal(begun) || h.Error != "" {
			t.Errorf("it is well again: %+v", h)
		}
		if h := health("peer"); !h.OK {
			t.Errorf("it answers again: %+v", h)
		}
		if s := b.state(); s.StatusText != "busy" || s.Phase != platform.PhaseReady {
			t.Errorf("the state says %q, %s", s.StatusText, s.Phase)
		}
		if asked.Load() < 8 {
			t.Errorf("asked %d times", asked.Load())
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		log := b.logText()
		if fails, again := strings.Count(log, `a health check fails: check=database error=gone`), strings.Count(log, "a health check succeeds again: check=database"); fails != 1 || again != 1 {
			t.Errorf("told %d times that it fails and %d times that it does not any more, want 1 and 1:\n%s", fails, again, log)
		}
	})
}

// Issue 10: the part of the stop timeout for Stop can be configured.
func TestIssue10_ProgramStopTimeout(t *testing.T) {
	for name, c := range map[string]struct {
		set, want time.Duration
	}{
		"its share": {0, 29250 * time.Millisecond}, // three quarters of 39 s
		"less":      {7 * time.Second, 7 * time.Second},
		"more":      {36 * time.Second, 36 * time.Second},
		"all":       {40 * time.Second, 39 * time.Second}, // except the time for the records
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.StopTimeout, b.cfg.ProgramStopTimeout = 40*time.Second, c.set
				took := make(chan time.Duration, 1)
				b.run(t.Context(), &program{
					start: func(_ context.Context, rt *service.Runtime) error {
						rt.OnStop("step", 0, func(context.Context) error { return nil })
						return nil
					},
					stop: func(ctx context.Context) error {
						begun := time.Now()
						<-ctx.Done()
						took <- time.Since(begun)
						return nil
					},
				})
				b.await(platform.PhaseReady)
				b.stop()
				_ = b.end()
				if had := <-took; had != c.want {
					t.Errorf("Stop had %v, want %v", had, c.want)
				}
			})
		})
	}
	_, err := service.Config{Name: "feedd", StopTimeout: time.Second, ProgramStopTimeout: 2 * time.Second}.Load()
	if !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), "program_stop_timeout") {
		t.Errorf("more than the whole: %v", err)
	}
}

// Issue 10: a start that fails is logged in one line, however much is wrong. If it also fails
// to stop, there is one more line.
func TestIssue10_AFailureIsToldOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.run(t.Context(), &program{start: func(context.Context, *service.Runtime) error {
			return errors.Join(errors.New("no url"), errors.New("no match"))
		}})
		err := b.end()
		if err == nil || !service.Logged(err) {
			t.Errorf("%v is not in the log, it says", err)
		}
		log := b.logText()
		if n := strings.Count(log, "no url"); n != 1 {
			t.Errorf("told %d times, want once:\n%s", n, log)
		}
		if !strings.Contains(log, `error="Start: no url; no match"`) || !strings.Contains(log, "stopped: clean=false") {
			t.Errorf("the log:\n%s", log)
		}
		if last, err := recovery.Read(b.cfg.StateDir + "/feedd.lastrun.json"); err != nil || last.Exit.Reason != "Start: no url; no match" {
			t.Errorf("the record says %+v, %v", last.Exit, err)
		}
	})
	inBubble(t, func(t *testing.T, b *bench) {
		b.run(t.Context(), &program{stop: func(context.Context) error { return errors.New("no disk") }})
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err == nil || !service.Logged(err) {
			t.Error(err)
		}
		if log := b.logText(); strings.Count(log, "failed: exit_code=1") != 1 {
			t.Errorf("the log:\n%s", log)
		}
	})
}
