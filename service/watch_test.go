//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func TestProgressWindsTheLimitsUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.StartTimeout = 20 * time.Second
		b.run(t.Context(), &program{start: func(ctx context.Context, rt *service.Runtime) error {
			for i := range 10 { // takes ten times the limit, but for a second each
				select {
				case <-time.After(19 * time.Second):
				case <-ctx.Done():
					return ctx.Err()
				}
				rt.Progress(fmt.Sprintf("table %d of 10", i+1))
			}
			return nil
		}})
		n := <-b.notice
		if n.Text != "table 1 of 10" || n.Extend != 20*time.Second+platform.StopMargin {
			t.Errorf("the manager got %+v", n)
		}
		b.await(platform.PhaseReady)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestTamperingIsReportedAndRepaired(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
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
			time.Sleep(2 * time.Second) // at the latest the next check finds it
			synctest.Wait()
			if err := <-alarms; !strings.Contains(err.Error(), name) {
				t.Errorf("alarm %q, want one that says %q", err, name)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
				t.Errorf("%s: PID file now %q, %v", name, got, err)
			}
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("PID file after the end: %v", err)
		}
	})
}

// changes are told by the test.
type changes struct {
	told  chan struct{}
	armed atomic.Int32
}

func (c *changes) Arm() error            { c.armed.Add(1); return nil }
func (c *changes) Told() <-chan struct{} { return c.told }
func (c *changes) Close()                {}

func (c *changes) tell() {
	select {
	case c.told <- struct{}{}:
	default:
	}
}

// If the system reports changes, damage that it reports is repaired at once, other damage is
// repaired later, and a burst of changes is looked at once a second. Nobody looks otherwise.
func TestFilesAreLookedAtWhenThereIsAReason(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		alarms := make(chan error, 10)
		b.cfg.OnTamper = func(err error) { alarms <- err }
		c := &changes{told: make(chan struct{}, 1)}
		b.machine.Watch = c
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		path := filepath.Join(b.cfg.RuntimeDir, "feedd.pid")
		looks := func(d time.Duration, meanwhile func()) int {
			before := c.armed.Load()
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if meanwhile == nil {
					time.Sleep(d)
				} else {
					meanwhile()
				}
			}
			synctest.Wait()
			return int(c.armed.Load() - before)
		}
		restored := func(within time.Duration) {
			t.Helper()
			time.Sleep(within)
			synctest.Wait()
			if _, err := os.Stat(path); err != nil || len(alarms) != 1 {
				t.Fatalf("not restored within %v: %v, %d alarms", within, err, len(alarms))
			}
			if err := <-alarms; err == nil {
				t.Error("an alarm without an error")
			}
		}
		if n := looks(time.Hour, nil); n < 12 || n > 14 {
			t.Errorf("looked %d times in an idle hour", n)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		c.tell()
		restored(20 * time.Millisecond)
		if n := looks(time.Minute, c.tell); n < 50 || n > 80 { // the first ones soon after the damage
			t.Errorf("looked %d times in a minute full of changes", n)
		}
		if n := looks(5*time.Minute, nil); n > 3 {
			t.Errorf("looked %d times after it", n)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		restored(6 * time.Minute)
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

func TestWatchdog(t *testing.T) {
	const limit = 20 * time.Second
	t.Run("the manager's is fed while the checks pass", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bench) {
			b.watchdog = limit
			var gone atomic.Bool
			b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
				rt.HealthCheck("database", func(context.Context) error {
					if gone.Load() {
						return errors.New("gone")
					}
					return nil
				})
				return nil
			}})
			b.await(platform.PhaseReady)
			fed := func() (times int) {
				time.Sleep(3*limit/2 - time.Second) // the checks come at half the limit
				synctest.Wait()
				for n := range b.rest() {
					if n.Alive {
						times++
					}
				}
				return times
			}
			if n := fed(); n != 3 {
				t.Errorf("healthy, and fed %d times, want 3", n)
			}
			gone.Store(true)
			if n := fed(); n != 0 {
				t.Errorf("fed %d times although a check failed", n)
			}
			b.stop()
			if err := b.end(); err != nil {
				t.Error(err)
			}
			if log := b.logText(); !strings.Contains(log, "database") || !strings.Contains(log, "gone") {
				t.Errorf("the log does not name the check:\n%s", log)
			}
		})
	})
	t.Run("ours ends the service where the manager has none", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bench) {
			b.cfg.Watchdog = limit
			b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
				rt.HealthCheck("hanging", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
				return nil
			}})
			if err := b.end(); !errors.Is(err, service.ErrUnhealthy) {
				t.Errorf("got %v", err)
			}
		})
	})
}

// A check that is added to a service without checks is called at once, and from then on like
// any other.
func TestAFirstCheckThatComesLate(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var rt *service.Runtime
		b.run(t.Context(), &program{start: func(_ context.Context, r *service.Runtime) error { rt = r; return nil }})
		b.await(platform.PhaseReady)
		time.Sleep(time.Hour)
		var asked atomic.Int32
		rt.HealthCheck("late", func(context.Context) error { asked.Add(1); return nil })
		synctest.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times at once", n)
		}
		time.Sleep(5*time.Minute + time.Second)
		synctest.Wait()
		if n := asked.Load(); n != 11 { // every 30 seconds
			t.Errorf("asked %d times in five minutes", n)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// Issue 9, fault 4: a stop dismantles what the checks examine. That is no failure, and the
// manager's watchdog does not act in the middle of it.
func TestChecksThatFailDuringAStop(t *testing.T) {
	const limit = 20 * time.Second
	for name, theirs := range map[string]bool{"the manager's watchdog": true, "ours": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				if theirs {
					b.watchdog = limit
				} else {
					b.cfg.Watchdog = limit
				}
				b.cfg.StopTimeout = time.Hour
				var closed atomic.Bool
				b.run(t.Context(), &program{
					start: func(_ context.Context, rt *service.Runtime) error {
						rt.HealthCheck("database", func(context.Context) error {
							if closed.Load() {
								return errors.New("closed")
							}
							return nil
						})
						return nil
					},
					stop: func(context.Context) error {
						closed.Store(true)
						time.Sleep(10*limit + time.Second)
						return nil
					},
				})
				b.await(platform.PhaseReady)
				b.stop()
				if err := b.end(); err != nil {
					t.Errorf("the stop became a failure: %v", err)
				}
				fed := 0
				for n := range b.rest() {
					if n.Alive {
						fed++
					}
				}
				if fed < 20 {
					t.Errorf("fed %d times in a stop as long as 10 limits", fed)
				}
				if log := b.logText(); strings.Contains(log, "unhealthy") {
					t.Errorf("the log is\n%s", log)
				}
			})
		})
	}
}
