//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
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

// Issue 10, section 4: once the watchdog is fed again, the status text no longer says why it
// was not. The previous text returns; a text that the program sets meanwhile stays.
func TestIssue10_4_UnhealthyIsTakenBack(t *testing.T) {
	const limit = 20 * time.Second
	inBubble(t, func(t *testing.T, b *bench) {
		b.watchdog = limit
		var gone atomic.Bool
		var rt *service.Runtime
		b.run(t.Context(), &program{start: func(_ context.Context, r *service.Runtime) error {
			rt = r
			r.Status("serving")
			r.HealthCheck("database", func(context.Context) error {
				if gone.Load() {
					return errors.New("no database at " + time.Now().String()) // a different error each time
				}
				return nil
			})
			return nil
		}})
		b.await(platform.PhaseReady)
		text := func(broken bool) string {
			gone.Store(broken)
			time.Sleep(2 * limit)
			synctest.Wait()
			return b.state().StatusText
		}
		if got := text(true); !strings.Contains(got, "no database") {
			t.Errorf("while it is not fed: %q", got)
		}
		if got := text(false); got != "serving" {
			t.Errorf("fed again: %q", got)
		}
		text(true)
		gone.Store(false)
		rt.Status("repaired")
		if got := text(false); got != "repaired" {
			t.Errorf("fed again, and the program has spoken: %q", got)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// An OnTamper that hangs prevents neither the repair of the files nor the stop, and is still
// called by one goroutine at a time.
func TestOnTamperThatHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var calls atomic.Int32
		release := make(chan struct{})
		b.cfg.OnTamper = func(error) { calls.Add(1); <-release }
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		path := filepath.Join(b.cfg.RuntimeDir, "feedd.pid")
		for range 20 {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second) // at the latest the next check finds it
			synctest.Wait()
			if _, err := os.Stat(path); err != nil {
				t.Fatalf("it is not put right: %v", err)
			}
		}
		if n := strings.Count(b.logText(), "another process tampered with the service's files"); n != 20 {
			t.Errorf("logged %d times", n)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
		synctest.Wait() // the guard has seen the end
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls at a time", n)
		}
		close(release)
		synctest.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls, after the end of the life", n)
		}
	})
}
