//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

// A reload reads the [service] table again: the log level changes at once, an invalid table is
// refused as a whole, and settings that take effect later are logged.
func TestReloadOfOurOwnTable(t *testing.T) { inBubble(t, reloadOfOurOwnTable) }

func reloadOfOurOwnTable(t *testing.T, b *bench) {
	b.cfg.Log.Level = ""
	b.cfg.File = write(t, "[service.log]\nlevel = \"info\"\n")
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(b.cfg.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reload := func() service.Reloads {
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		return b.state().Reloads
	}
	var rt *service.Runtime
	calls := 0
	b.run(t.Context(), &program{
		start:  func(_ context.Context, r *service.Runtime) error { rt = r; return nil },
		reload: func(context.Context) error { calls++; return nil },
	})
	b.await(platform.PhaseReady)
	child := rt.Logger().Named("child")
	child.Debug("before")

	set("[service.log]\nlevel = \"debug\"\n")
	if r := reload(); r.LastError != "" {
		t.Fatal(r.LastError)
	}
	child.Debug("after")
	synctest.Wait() // the log has it
	if log := b.logText(); strings.Contains(log, "before") || !strings.Contains(log, "after") {
		t.Errorf("the level did not change with the reload:\n%s", log)
	}

	set("[service.log]\nlevel = \"loud\"\n")
	if r := reload(); !strings.Contains(r.LastError, "service.log.level") || calls != 1 {
		t.Errorf("a bad table: %q, and %d calls of Reload, want 1", r.LastError, calls)
	}
	child.Debug("still debug")

	set("[service]\nstop_timeout = \"77s\"\n[service.log]\nlevel = \"debug\"\n")
	if r := reload(); r.LastError != "" {
		t.Error(r.LastError)
	}
	synctest.Wait()
	if log := b.logText(); !strings.Contains(log, "still debug") || !strings.Contains(log, "install --restart applies them") {
		t.Errorf("the log is\n%s", log)
	}
	b.stop()
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

// INCIDENT 5: reload requests before readiness wait and become one reload.
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
	b.ask(0) // requests nothing; it is received when the earlier requests have been handled
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
	inBubble(t, func(t *testing.T, b *bench) {
		const took = time.Second
		outcomes := make(chan error, 2)
		outcomes <- errors.New("port: not a number")
		outcomes <- nil
		b.run(t.Context(), &program{reload: func(context.Context) error { time.Sleep(took); return <-outcomes }})
		b.await(platform.PhaseReady)
		for i, want := range []service.Reloads{
			{Requested: 1, Completed: 1, Failed: 1, LastError: "port: not a number", LastTook: took, Took: took},
			{Requested: 2, Completed: 2, Failed: 1, LastTook: took, Took: 2 * took},
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
	})
}

// While a Reload that has overrun is still running, no other one runs.
func TestOverrunningReload(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.ReloadTimeout = 10 * time.Second
		hang := make(chan struct{})
		b.run(t.Context(), &program{reload: func(context.Context) error { <-hang; return nil }})
		b.await(platform.PhaseReady)
		for _, want := range []string{"overran its time limit of 10s", "still runs"} {
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
	})
}

// A program requests a reload itself, and gets the outcome of one that began after the
// request. Requests are joined, wait for readiness, and fail when the service stops.
func TestRuntimeReload(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var rt *service.Runtime
		inStart, goOn := make(chan struct{}), make(chan struct{})
		outcomes := make(chan error)
		b.run(t.Context(), &program{
			start: func(_ context.Context, r *service.Runtime) error {
				rt = r
				close(inStart)
				<-goOn
				return nil
			},
			reload: func(ctx context.Context) error {
				select {
				case err := <-outcomes:
					return err
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			},
			stop: func(ctx context.Context) error {
				if err := rt.Reload(ctx); !errors.Is(err, service.ErrStopping) {
					t.Errorf("in Stop: %v", err)
				}
				return nil
			},
		})
		<-inStart
		got := make(chan error, 10)
		ask := func() { go func() { got <- rt.Reload(t.Context()) }() }
		ask()
		synctest.Wait()
		if len(got) != 0 {
			t.Fatalf("an outcome before it was ready: %v", <-got)
		}
		close(goOn)
		b.await(platform.PhaseReloading)
		ask() // a reload runs: these want the next one
		b.ask(platform.RequestReload)
		ask()
		synctest.Wait()
		refused := errors.New("port: not a number")
		outcomes <- refused
		if err := <-got; !errors.Is(err, refused) {
			t.Errorf("the first: %v", err)
		}
		synctest.Wait()
		if len(got) != 0 {
			t.Errorf("an outcome of a reload that began before the question: %v", <-got)
		}
		outcomes <- nil
		for range 2 {
			if err := <-got; err != nil {
				t.Errorf("the second: %v", err)
			}
		}
		synctest.Wait()
		if r := b.state().Reloads; r.Requested != 4 || r.Completed != 2 || r.Failed != 1 || r.LastError != "" {
			t.Errorf("%+v", r)
		}
		if log := b.logText(); !strings.Contains(log, `reload requested: by="the program"`) {
			t.Errorf("the log is\n%s", log)
		}

		impatient, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("no patience"))
		defer cancel()
		if err := rt.Reload(impatient); err == nil || err.Error() != "no patience" {
			t.Errorf("the impatient: %v", err)
		}
		ask() // and this one waits when the stop comes
		synctest.Wait()
		b.stop()
		if err := <-got; !errors.Is(err, service.ErrStopping) {
			t.Errorf("at the stop: %v", err)
		}
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if err := rt.Reload(t.Context()); !errors.Is(err, service.ErrStopping) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// Issue 9, fault B, for a reload: a configuration on a mount that hangs blocks neither the
// reload nor the stop forever.
func TestReloadThatCannotReadTheConfiguration(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.ReloadTimeout = 10 * time.Second
		b.cfg.File = write(t, "")
		reads := 0
		b.machine.Load = func(c service.Config) (service.Config, error) {
			if reads++; reads > 1 {
				hang()
			}
			return c.Load()
		}
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		b.ask(platform.RequestReload)
		b.await(platform.PhaseReloading)
		b.await(platform.PhaseReady)
		if got := b.state().Reloads.LastError; !strings.Contains(got, "feedd.toml: overran") {
			t.Errorf("last error %q", got)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// A short reload and a short stop write the state file only for what lasts: the outcome of the
// reload. Longer ones show in it while they run.
func TestPassingPhasesInTheStateFile(t *testing.T) {
	for _, tt := range []struct {
		took         time.Duration
		reload, stop []platform.Phase
	}{
		{0, []platform.Phase{platform.PhaseReady}, nil},
		{time.Second, []platform.Phase{platform.PhaseReloading, platform.PhaseReady}, []platform.Phase{platform.PhaseStopping}},
	} {
		t.Run(tt.took.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				var mu sync.Mutex
				var written []platform.Phase
				b.machine.WriteState = func(path string, s service.State) error {
					mu.Lock()
					defer mu.Unlock()
					written = append(written, s.Phase)
					return state.Write(path, s)
				}
				since := func() []platform.Phase {
					mu.Lock()
					defer mu.Unlock()
					all := written
					written = nil
					return all
				}
				takes := func(context.Context) error { time.Sleep(tt.took); return nil }
				b.run(t.Context(), &program{reload: takes, stop: takes})
				b.await(platform.PhaseReady)
				time.Sleep(time.Minute)
				since()
				b.ask(platform.RequestReload)
				b.await(platform.PhaseReloading)
				b.await(platform.PhaseReady)
				if got := since(); !slices.Equal(got, tt.reload) {
					t.Errorf("a reload wrote %q, want %q", got, tt.reload)
				}
				b.stop()
				if err := b.end(); err != nil {
					t.Error(err)
				}
				if got := since(); !slices.Equal(got, tt.stop) {
					t.Errorf("a stop wrote %q, want %q", got, tt.stop)
				}
			})
		})
	}
}
