//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A disk that hangs once the program is ready delays a reload or the stop only for the
// patience of the life, and only once.
func TestStateFileOnADiskThatHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var hangs atomic.Bool
		b.machine.WriteState = func(path string, s service.State) error {
			if hangs.Load() {
				time.Sleep(10 * time.Minute)
				hangs.Store(false)
			}
			return state.Write(path, s)
		}
		stopped := false
		var rt *service.Runtime
		b.run(t.Context(), &program{start: func(_ context.Context, r *service.Runtime) error { rt = r; return nil }, stop: func(context.Context) error { stopped = true; return nil }})
		b.await(platform.PhaseReady)
		hangs.Store(true)
		for _, want := range []time.Duration{2 * time.Second, 0, 0} {
			begun := time.Now()
			b.ask(platform.RequestReload)
			b.await(platform.PhaseReloading)
			b.await(platform.PhaseReady)
			if took := time.Since(begun); took != want {
				t.Errorf("a reload took %v, want %v", took, want)
			}
		}
		time.Sleep(10 * time.Minute) // the disk recovers, and hangs again
		synctest.Wait()
		if n := strings.Count(b.logText(), "up to date again"); n != 1 {
			t.Errorf("told %d times that it is over", n)
		}
		hangs.Store(true)
		rt.Status("lost")
		time.Sleep(time.Second) // it hangs again
		begun := time.Now()
		b.stop()
		if err := b.end(); err == nil || !strings.Contains(err.Error(), "not removed") {
			t.Errorf("it ended with %v", err)
		}
		if took := time.Since(begun); took > 15*time.Second || !stopped {
			t.Errorf("the stop took %v, stopped=%v", took, stopped)
		}
		if n := strings.Count(b.logText(), "state is out of date"); n != 1 { // nothing in the stop waits for it
			t.Errorf("warned %d times", n)
		}
	})
}

// A disk that is only slow does not make an ordered stop a failure.
func TestStateFileOnASlowDiskDoesNotFailTheStop(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.WriteState = func(path string, s service.State) error {
			time.Sleep(5 * time.Second)
			return state.Write(path, s)
		}
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// Issue 9, D: the state file only describes. A process that has it open, as anybody may on
// Windows, or a disk that hangs, does not keep a service from starting. The file is written
// when that is over.
func TestIssue9_D_AStateFileThatIsKeptOpenKeepsNoServiceFromStarting(t *testing.T) {
	for name, keep := range map[string]func() error{
		"not shared": func() error { time.Sleep(time.Second); return files.ErrInUse },
		"an oplock":  func() error { time.Sleep(30 * time.Second); return files.ErrInUse },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				var kept atomic.Bool
				kept.Store(true)
				b.machine.WriteState = func(path string, s service.State) error {
					if kept.Load() {
						return keep()
					}
					return state.Write(path, s)
				}
				b.run(t.Context(), &program{})
				b.await(platform.PhaseReady)
				if n := strings.Count(b.logText(), "state is out of date"); n != 1 {
					t.Errorf("warned %d times", n)
				}
				kept.Store(false)
				time.Sleep(5 * time.Minute) // the next attempt comes later and later
				synctest.Wait()
				if n := strings.Count(b.logText(), "up to date again"); n != 1 {
					t.Errorf("told %d times that it is over", n)
				}
				b.stop()
				if err := b.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The end of the records is limited, too, and a second request leaves at once.
func TestRecordsOnADiskThatHangs(t *testing.T) {
	for name, c := range map[string]struct {
		again bool
		took  time.Duration
	}{"one request": {false, 20 * time.Second}, "two requests": {true, 5 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.StopTimeout = 20 * time.Second
				b.machine.CloseRecord = func(*recovery.Record, platform.Exit, bool) error { hang(); return nil }
				b.run(t.Context(), &program{})
				b.await(platform.PhaseReady)
				begun := time.Now()
				b.stop()
				if c.again {
					time.Sleep(5 * time.Second)
					b.stop()
				}
				err := b.end()
				if took := time.Since(begun); took != c.took {
					t.Errorf("it ended after %v, want %v", took, c.took)
				}
				if !errors.Is(err, service.ErrForced) || service.ExitCode(err) != platform.ExitFailed {
					t.Errorf("it ended with %v", err)
				}
			})
		})
	}
}
