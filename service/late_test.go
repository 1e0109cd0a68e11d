//go:build linux || darwin || windows

package service_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// A change that nobody waits for reaches the state file soon, and the last text wins.
func TestStatusTextReachesTheFile(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var rt *service.Runtime
		b.run(t.Context(), &program{start: func(_ context.Context, r *service.Runtime) error { rt = r; return nil }})
		b.await(platform.PhaseReady) // from here on, nothing else writes the file
		for _, text := range []string{"one", "two", "three"} {
			rt.Status(text)
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if got := b.state().StatusText; got != "three" {
			t.Errorf("the file says %q", got)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// A goroutine that ends itself instead of returning is a failure, and the stop does not wait
// for it.
func TestGoroutineThatEndsItself(t *testing.T) {
	b := newBench(t)
	b.run(t.Context(), &program{start: func(_ context.Context, rt *service.Runtime) error {
		rt.Go("quitter", func(context.Context) error { runtime.Goexit(); return nil })
		return nil
	}})
	err := b.end()
	if err == nil || !strings.Contains(err.Error(), "goroutine quitter ended its goroutine") {
		t.Errorf("%v", err)
	}
	if code := service.ExitCode(err); code != platform.ExitFailed {
		t.Errorf("exit code %d", code)
	}
}
