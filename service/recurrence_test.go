//go:build linux || darwin

package service_test

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// On Windows a directory cannot be moved while a file in it is open.

// spoil puts a file in the place of the runtime directory, so that nothing can be written
// there, even by root. mend restores the directory.
func (b *bench) spoil() (mend func()) {
	b.t.Helper()
	must := func(err error) {
		b.t.Helper()
		if err != nil {
			b.t.Fatal(err)
		}
	}
	aside := b.cfg.RuntimeDir + ".aside"
	must(os.Rename(b.cfg.RuntimeDir, aside))
	must(os.WriteFile(b.cfg.RuntimeDir, nil, 0o600))
	return func() {
		b.t.Helper()
		must(os.Remove(b.cfg.RuntimeDir))
		must(os.Rename(aside, b.cfg.RuntimeDir))
	}
}

// Issue 9, fault G: damage that cannot be repaired is logged once, again after growing pauses,
// and when it is over.
func TestAlarmThatCannotBeMended(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var tampered atomic.Int64
		b.cfg.OnTamper = func(error) { tampered.Add(1) }
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		mend := b.spoil()
		for _, want := range []struct {
			after time.Duration
			told  int64
		}{{5 * time.Second, 1}, {time.Minute, 2}, {2 * time.Minute, 3}, {4 * time.Minute, 4}, {6 * time.Hour, 12}} {
			time.Sleep(want.after)
			synctest.Wait()
			if n := int64(strings.Count(b.logText(), "tampered")); n != want.told || tampered.Load() != want.told {
				t.Errorf("%v later it was told %d times in the log and %d to OnTamper, want %d", want.after, n, tampered.Load(), want.told)
			}
		}
		before := tampered.Load()
		mend()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if log := b.logText(); strings.Count(log, "in order again") != 1 || tampered.Load() != before {
			t.Errorf("nobody says that it is over, or an alarm came after it:\n%s", log)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// Damage that is repaired is a new event each time, but endless damage does not fill the log.
func TestAlarmsOfSomebodyWhoNeverTires(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.run(t.Context(), &program{})
		b.await(platform.PhaseReady)
		path := b.cfg.RuntimeDir + "/feedd.pid"
		for range 1000 {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
		}
		if n := strings.Count(b.logText(), "tampered"); n < 100 || n > 110 {
			t.Errorf("told %d times", n)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}

// Issue 9, fault H: a state file that could not be written is written as soon as possible,
// without any further change, and the log says so once.
func TestStateFileCatchesUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var rt *service.Runtime
		b.run(t.Context(), &program{start: func(_ context.Context, r *service.Runtime) error { rt = r; return nil }})
		b.await(platform.PhaseReady)
		mend := b.spoil()
		rt.Status("one")
		time.Sleep(time.Minute)
		for range 1000 { // must not cause a write for each
			rt.Status("two")
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if n := strings.Count(b.logText(), "state is out of date"); n < 1 || n > 3 {
			t.Errorf("warned %d times", n)
		}
		mend()
		rt.Status("three")
		time.Sleep(time.Second)
		if s := b.state(); s.StatusText != "" {
			t.Errorf("while it cannot be written it is tried with every change: %q", s.StatusText)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if s := b.state(); s.StatusText != "three" {
			t.Errorf("the file has not caught up: %q", s.StatusText)
		}
		if log := b.logText(); strings.Count(log, "up to date again") != 1 {
			t.Errorf("nobody says that it is over:\n%s", log)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Error(err)
		}
	})
}
