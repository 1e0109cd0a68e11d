//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

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
		for n := range b.rest() {
			if n.Phase == platform.PhaseStopping {
				break // from there on the checks do not count
			}
			if n.Alive {
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
