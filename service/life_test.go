//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// The complete order of a life, as the package comment promises.
func TestOrderOfALife(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(b.cfg.RuntimeDir, name))
		return err == nil
	}
	tell := b.heard
	b.heard = func(n platform.Notice) {
		if n.Phase != "" {
			note("host told " + string(n.Phase))
		}
		tell(n)
	}
	p := &program{
		start: func(_ context.Context, rt *service.Runtime) error {
			if exists("feedd.pid") && b.state().Phase == platform.PhaseStarting {
				note("Start, locked and starting")
			}
			rt.Go("worker", func(ctx context.Context) error {
				<-ctx.Done()
				note("goroutine ends")
				return nil
			})
			for _, name := range []string{"first", "second"} {
				rt.OnStop(name, time.Second, func(context.Context) error {
					note("step added " + name)
					return nil
				})
			}
			rt.OnStop("look", time.Second, func(context.Context) error {
				if exists("feedd.pid") {
					note("PID file still there")
				}
				return nil
			})
			return nil
		},
		reload: func(context.Context) error { note("Reload"); return nil },
		stop:   func(context.Context) error { note("Stop"); return nil },
	}
	b.run(t.Context(), p)
	b.await(platform.PhaseReady)
	b.ask(platform.RequestReload)
	b.await(platform.PhaseReloading)
	b.await(platform.PhaseReady)
	b.stop()
	if err := b.end(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Start, locked and starting", "host told ready",
		"host told reloading", "Reload", "host told ready",
		"host told stopping", "Stop", "goroutine ends",
		"PID file still there", "step added second", "step added first",
	}
	if !reflect.DeepEqual(order, want) {
		t.Errorf("order:\n%s\nwant:\n%s", strings.Join(order, "\n"), strings.Join(want, "\n"))
	}
	for _, name := range []string{"feedd.pid", "feedd.state.json"} {
		if exists(name) {
			t.Errorf("%s is left", name)
		}
	}
	last, err := recovery.Read(filepath.Join(b.cfg.StateDir, "feedd.lastrun.json"))
	if err != nil || !last.Clean() || last.Outcome() != "asked to stop by the test" {
		t.Errorf("last run: %+v, %v", last, err)
	}
}

// What can go wrong in Start, Stop, Reload and goroutines. Each failure ends the service in
// order with the right code, and leaves no lock and no file behind.
func TestThingsThatGoWrong(t *testing.T) {
	broken := errors.New("broken")
	cases := map[string]struct {
		p     *program
		cfg   func(*service.Config)
		drive func(b *bench)
		code  int
		is    error  // in the error
		says  string // in the error
		log   string // in the log
		stops bool   // Program.Stop is called
	}{
		"Start fails": {
			p:    &program{start: func(context.Context, *service.Runtime) error { return broken }},
			code: 1, is: broken, says: "Start: broken",
		},
		"Start panics": {
			p:    &program{start: func(context.Context, *service.Runtime) error { panic("oh") }},
			code: 70, says: "panic in Start: oh", log: "life_test.go",
		},
		"Start says the configuration is bad": {
			p:    &program{start: func(context.Context, *service.Runtime) error { return fmt.Errorf("%w: no input", service.ErrConfig) }},
			code: 78, is: service.ErrConfig,
		},
		"Start overruns and gives up": {
			p: &program{start: func(ctx context.Context, _ *service.Runtime) error {
				<-ctx.Done()
				return ctx.Err()
			}},
			cfg:  func(c *service.Config) { c.StartTimeout = 20 * time.Second },
			code: 1, is: service.ErrOverrun, says: "start_timeout",
		},
		"Start hangs": {
			p:    &program{start: func(context.Context, *service.Runtime) error { hang(); return nil }},
			cfg:  func(c *service.Config) { c.StartTimeout, c.StopTimeout = 20*time.Second, 10*time.Second },
			code: 1, is: service.ErrOverrun, says: "end of Start", log: "still running: goroutine",
		},
		"Stop fails": {
			p:     &program{stop: func(context.Context) error { return broken }},
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  1, is: broken, says: "stop: Stop: broken", stops: true,
		},
		"Stop panics": {
			p:     &program{stop: func(context.Context) error { panic(broken) }},
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  70, is: broken, says: "panic in Stop: broken", stops: true,
		},
		"Stop hangs": {
			p:     &program{stop: func(context.Context) error { hang(); return nil }},
			cfg:   func(c *service.Config) { c.StopTimeout = time.Second },
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  1, is: service.ErrOverrun, says: "stop: Stop: overran", log: "still running: goroutine", stops: true,
		},
		"Stop hangs, and the steps behind it run": {
			p: &program{
				start: func(_ context.Context, rt *service.Runtime) error {
					rt.OnStop("flush", 0, func(context.Context) error { rt.Logger().Info("flushed"); return nil })
					return nil
				},
				stop: func(context.Context) error { hang(); return nil },
			},
			cfg:   func(c *service.Config) { c.StopTimeout = 2 * time.Second },
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  1, is: service.ErrOverrun, says: "stop: Stop: overran", log: "flushed", stops: true,
		},
		"a second request forces": {
			p:     &program{stop: func(context.Context) error { hang(); return nil }},
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop(); <-b.inStop; b.stop() },
			code:  1, is: service.ErrForced, says: "second request", log: "still running: goroutine", stops: true,
		},
		"Reload panics": {
			p:     &program{reload: func(context.Context) error { panic("oh") }},
			drive: func(b *bench) { b.await(platform.PhaseReady); b.ask(platform.RequestReload) },
			code:  70, says: "panic in Reload: oh", log: "life_test.go", stops: true,
		},
		"a goroutine fails": {
			p: &program{start: func(_ context.Context, rt *service.Runtime) error {
				rt.Go("feeder", func(context.Context) error { return broken })
				return nil
			}},
			code: 1, is: broken, says: "goroutine feeder: broken",
		},
		"a goroutine panics": {
			p: &program{start: func(_ context.Context, rt *service.Runtime) error {
				rt.Go("feeder", func(context.Context) error { panic("oh") })
				return nil
			}},
			code: 70, says: "panic in goroutine feeder: oh", log: "life_test.go",
		},
		"a goroutine does not heed its context": {
			p: &program{start: func(_ context.Context, rt *service.Runtime) error {
				rt.Go("deaf", func(context.Context) error { hang(); return nil })
				return nil
			}},
			cfg:   func(c *service.Config) { c.StopTimeout = time.Second },
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  1, is: service.ErrOverrun, says: `still running: ["goroutine deaf"]`, stops: true,
		},
		"a step fails, one panics, one overruns": {
			p: &program{start: func(_ context.Context, rt *service.Runtime) error {
				rt.OnStop("last", time.Second, func(context.Context) error { rt.Logger().Info("the last step ran"); return nil })
				rt.OnStop("failing", time.Second, func(context.Context) error { return broken })
				rt.OnStop("panicking", time.Second, func(context.Context) error { panic("oh") })
				rt.OnStop("slow", time.Millisecond, func(ctx context.Context) error { hang(); return nil })
				return nil
			}},
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  70, is: broken, says: "stop: slow: overran", log: "the last step ran", stops: true,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				if c.cfg != nil {
					c.cfg(&b.cfg)
				}
				stop := c.p.stop
				c.p.stop = func(ctx context.Context) error {
					close(b.inStop)
					if stop != nil {
						return stop(ctx)
					}
					return nil
				}
				b.run(t.Context(), c.p)
				if c.drive != nil {
					c.drive(b)
				}
				err := b.end()
				if code := service.ExitCode(err); code != c.code {
					t.Errorf("exit code %d, want %d: %v", code, c.code, err)
				}
				if c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("error %v, want one that is %v", err, c.is)
				}
				if err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %q does not say %q", err, c.says)
				}
				if !service.Logged(err) {
					t.Error("the error is not in the log")
				}
				if !strings.Contains(b.logText(), c.log) {
					t.Errorf("the log lacks %q:\n%s", c.log, b.logText())
				}
				select {
				case <-b.inStop:
				default:
					if c.stops {
						t.Error("Stop was not called")
					}
				}
				last, err := recovery.Read(filepath.Join(b.cfg.StateDir, "feedd.lastrun.json"))
				if err != nil || last.Clean() || last.Exit == nil || last.Exit.Code != c.code {
					t.Errorf("last run: %+v, %v", last.Exit, err)
				}
				if entries, _ := os.ReadDir(b.cfg.RuntimeDir); len(entries) != 0 {
					t.Errorf("left in the runtime directory: %v", entries)
				}
			})
		})
	}
}

// INCIDENT 5: a stop that is requested before readiness is like a later one: in order, and no
// failure.
func TestStopBeforeReady(t *testing.T) {
	t.Run("while Start runs", func(t *testing.T) {
		b := newBench(t)
		inStart := make(chan struct{})
		cleaned := false
		b.run(t.Context(), &program{
			start: func(ctx context.Context, rt *service.Runtime) error {
				rt.OnStop("undo", 0, func(context.Context) error { cleaned = true; return nil })
				close(inStart)
				<-ctx.Done()
				return ctx.Err()
			},
			stop: func(context.Context) error { t.Error("Stop after a Start that failed"); return nil },
		})
		<-inStart
		b.stop()
		if err := b.end(); err != nil || !cleaned {
			t.Errorf("err=%v cleaned=%v", err, cleaned)
		}
		for _, p := range b.phases {
			if p == platform.PhaseReady {
				t.Error("reported ready")
			}
		}
	})
	t.Run("Start does not notice and succeeds", func(t *testing.T) {
		b := newBench(t)
		inStart, goOn := make(chan struct{}), make(chan struct{})
		stopped := false
		b.run(t.Context(), &program{
			start: func(context.Context, *service.Runtime) error { close(inStart); <-goOn; return nil },
			stop:  func(context.Context) error { stopped = true; return nil },
		})
		<-inStart
		b.stop()
		b.await(platform.PhaseStopping)
		close(goOn)
		if err := b.end(); err != nil || !stopped {
			t.Errorf("err=%v stopped=%v", err, stopped)
		}
	})
	t.Run("its caller's context has ended before", func(t *testing.T) {
		b := newBench(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b.run(ctx, &program{})
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// A shutdown of the machine is a cause of its own, recognised without its text.
func TestShutdownIsTheCause(t *testing.T) {
	for _, shutdown := range []bool{false, true} {
		inBubble(t, func(t *testing.T, b *bench) {
			var life context.Context
			b.run(t.Context(), &program{start: func(ctx context.Context, _ *service.Runtime) error {
				life = ctx //nolint:fatcontext // it is looked at, and no other is made of it
				return nil
			}})
			b.await(platform.PhaseReady)
			b.requests <- platform.Request{Kind: platform.RequestStop, Source: "SHUTDOWN", Shutdown: shutdown}
			if err := b.end(); err != nil || errors.Is(context.Cause(life), service.ErrShutdown) != shutdown {
				t.Errorf("%v, %v: %v", shutdown, err, context.Cause(life))
			}
		})
	}
}
