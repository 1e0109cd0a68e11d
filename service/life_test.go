//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// The whole order of a life, as the package comment promises it.
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

// What Start, Stop, Reload and goroutines can do wrong: each ends the service
// in order with the right code, and leaves no lock and no file behind.
func TestThingsThatGoWrong(t *testing.T) {
	broken := errors.New("broken")
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
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
			cfg:  func(c *service.Config) { c.StartTimeout = 20 * time.Millisecond },
			code: 1, is: service.ErrOverrun, says: "start_timeout",
		},
		"Start hangs": {
			p:    &program{start: func(context.Context, *service.Runtime) error { <-hang; return nil }},
			cfg:  func(c *service.Config) { c.StartTimeout, c.StopTimeout = 20*time.Millisecond, 100*time.Millisecond },
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
			p:     &program{stop: func(context.Context) error { <-hang; return nil }},
			cfg:   func(c *service.Config) { c.StopTimeout = 100 * time.Millisecond },
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  1, is: service.ErrOverrun, says: "stop: Stop: overran", log: "still running: goroutine", stops: true,
		},
		"Stop hangs, and the steps behind it run": {
			p: &program{
				start: func(_ context.Context, rt *service.Runtime) error {
					rt.OnStop("flush", 0, func(context.Context) error { rt.Logger().Info("flushed"); return nil })
					return nil
				},
				stop: func(context.Context) error { <-hang; return nil },
			},
			cfg:   func(c *service.Config) { c.StopTimeout = 200 * time.Millisecond },
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  1, is: service.ErrOverrun, says: "stop: Stop: overran", log: "flushed", stops: true,
		},
		"a second request forces": {
			p:     &program{stop: func(context.Context) error { <-hang; return nil }},
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
				rt.Go("deaf", func(context.Context) error { <-hang; return nil })
				return nil
			}},
			cfg:   func(c *service.Config) { c.StopTimeout = 100 * time.Millisecond },
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  1, is: service.ErrOverrun, says: `still running: ["goroutine deaf"]`, stops: true,
		},
		"a step fails, one panics, one overruns": {
			p: &program{start: func(_ context.Context, rt *service.Runtime) error {
				rt.OnStop("last", time.Second, func(context.Context) error { rt.Logger().Info("the last step ran"); return nil })
				rt.OnStop("failing", time.Second, func(context.Context) error { return broken })
				rt.OnStop("panicking", time.Second, func(context.Context) error { panic("oh") })
				rt.OnStop("slow", time.Millisecond, func(ctx context.Context) error { <-hang; return nil })
				return nil
			}},
			drive: func(b *bench) { b.await(platform.PhaseReady); b.stop() },
			code:  70, is: broken, says: "stop: slow: overran", log: "the last step ran", stops: true,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
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
			if c.stops {
				<-b.inStop // or the test's timeout says that Stop was not called
			}
			last, err := recovery.Read(filepath.Join(b.cfg.StateDir, "feedd.lastrun.json"))
			if err != nil || last.Clean() || last.Exit == nil || last.Exit.Code != c.code {
				t.Errorf("last run: %+v, %v", last.Exit, err)
			}
			if entries, _ := os.ReadDir(b.cfg.RuntimeDir); len(entries) != 0 {
				t.Errorf("left in the runtime directory: %v", entries)
			}
		})
	}
}

// INCIDENT 5: a stop that is asked for before the program is ready is as good
// as one later: in order, and no failure.
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

// INCIDENT 5: reloads before readiness are held and become one.
func TestEarlyReloadsAreHeld(t *testing.T) {
	b := newBench(t)
	inStart, goOn := make(chan struct{}), make(chan struct{})
	reloads := make(chan struct{}, 100)
	b.run(t.Context(), &program{
		start:  func(context.Context, *service.Runtime) error { close(inStart); <-goOn; return nil },
		reload: func(context.Context) error { reloads <- struct{}{}; return nil },
	})
	<-inStart
	for range 20 {
		b.ask(platform.RequestReload)
	}
	b.ask(0) // asks for nothing, and is heard when those before it have been dealt with
	if len(reloads) != 0 {
		t.Error("reloaded before it was ready")
	}
	close(goOn)
	b.await(platform.PhaseReady)
	b.await(platform.PhaseReloading)
	b.await(platform.PhaseReady)
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
	if len(reloads) != 1 {
		t.Errorf("%d reloads for 20 early requests, want 1", len(reloads))
	}
}

func TestFailedReloadIsToldAndTheServiceGoesOn(t *testing.T) {
	b := newBench(t)
	outcomes := make(chan error, 2)
	outcomes <- errors.New("port: not a number")
	outcomes <- nil
	b.run(t.Context(), &program{reload: func(context.Context) error { return <-outcomes }})
	b.await(platform.PhaseReady)
	for i, want := range []service.Reloads{
		{Requested: 1, Completed: 1, Failed: 1, LastError: "port: not a number"},
		{Requested: 2, Completed: 2, Failed: 1},
	} {
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady) // the manager is told that we are ready again
		got := b.state().Reloads
		if got.LastStart == 0 || got.LastEnd.IsZero() {
			t.Errorf("reload %d: no times in %+v", i+1, got)
		}
		got.LastStart, got.LastEnd = 0, time.Time{}
		if got != want {
			t.Errorf("reload %d: %+v, want %+v", i+1, got, want)
		}
	}
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

// A Reload that overruns is not run beside itself.
func TestOverrunningReload(t *testing.T) {
	b := newBench(t)
	b.cfg.ReloadTimeout = 10 * time.Millisecond
	hang := make(chan struct{})
	b.run(t.Context(), &program{reload: func(context.Context) error { <-hang; return nil }})
	b.await(platform.PhaseReady)
	for _, want := range []string{"overran its time limit of 10ms", "still runs"} {
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		if got := b.state().Reloads.LastError; !strings.Contains(got, want) {
			t.Errorf("last error %q, want %q", got, want)
		}
	}
	close(hang)
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

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

// recoverer counts the calls of Recover.
type recoverer struct {
	program
	seen []recovery.LastRun
}

func (r *recoverer) Recover(_ context.Context, last recovery.LastRun) error {
	r.seen = append(r.seen, last)
	return nil
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

func TestProgressWindsTheLimitsUp(t *testing.T) {
	b := newBench(t)
	b.cfg.StartTimeout = 200 * time.Millisecond
	b.run(t.Context(), &program{start: func(ctx context.Context, rt *service.Runtime) error {
		for i := range 10 { // takes five times the limit
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
			rt.Progress(fmt.Sprintf("table %d of 10", i+1))
		}
		return nil
	}})
	n := <-b.notice
	if n.Text != "table 1 of 10" || n.Extend != 200*time.Millisecond+platform.StopMargin {
		t.Errorf("the manager got %+v", n)
	}
	b.await(platform.PhaseReady)
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

func TestTamperingIsReportedAndRepaired(t *testing.T) {
	b := newBench(t)
	alarms := make(chan error, 10)
	b.cfg.OnTamper = func(err error) { alarms <- err }
	b.run(t.Context(), &program{})
	b.await(platform.PhaseReady)
	path := filepath.Join(b.cfg.RuntimeDir, "feedd.pid")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func() error{
		"removed": func() error { return os.Remove(path) },
		"altered": func() error { return os.WriteFile(path, []byte("1\n"), 0o600) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-alarms:
			if !strings.Contains(err.Error(), name) {
				t.Errorf("alarm %q, want one that says %q", err, name)
			}
		case <-time.After(15 * time.Second):
			t.Fatalf("%s: no alarm", name)
		}
		// Truncating and writing are two alterations, each of them repaired.
		for deadline := time.Now().Add(15 * time.Second); ; {
			got, err := os.ReadFile(path)
			if err == nil && string(got) == string(want) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: PID file now %q, %v", name, got, err)
			}
			runtime.Gosched()
		}
	}
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("PID file after the end: %v", err)
	}
}

func TestWatchdog(t *testing.T) {
	t.Run("the manager's is fed while the checks pass", func(t *testing.T) {
		b := newBench(t)
		b.watchdog = 20 * time.Millisecond
		answers := make(chan error)
		b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
			rt.HealthCheck("database", func(ctx context.Context) error {
				select {
				case err := <-answers:
					return err
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			return nil
		}})
		b.await(platform.PhaseReady)
		for range 3 {
			answers <- nil
			if n := <-b.notice; !n.Alive {
				t.Errorf("healthy, and the manager got %+v", n)
			}
		}
		for range 3 {
			answers <- errors.New("gone")
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		for len(b.notice) > 0 {
			if n := <-b.notice; n.Alive {
				t.Error("fed although a check failed")
			}
		}
		if log := b.logText(); !strings.Contains(log, "database") || !strings.Contains(log, "gone") {
			t.Errorf("the log does not name the check:\n%s", log)
		}
	})
	t.Run("ours ends the service where the manager has none", func(t *testing.T) {
		b := newBench(t)
		b.cfg.Watchdog = 20 * time.Millisecond
		b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
			rt.HealthCheck("hanging", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			return nil
		}})
		if err := b.end(); !errors.Is(err, service.ErrUnhealthy) {
			t.Errorf("got %v", err)
		}
	})
}
