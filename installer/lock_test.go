package installer_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
)

// Only one process at a time has the lock, although everybody who releases it removes the file
// and the directory.
func TestLockIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "holdfast", "feedd.changing")
	var inside, most atomic.Int32
	var all sync.WaitGroup
	rounds := 150
	if runtime.GOOS == "windows" { // Wine takes its time for each file
		rounds = 30
	}
	for range 8 {
		all.Go(func() {
			for range rounds {
				release, err := installer.Lock(t.Context(), path, "install", nil)
				if err != nil {
					t.Error(err)
					return
				}
				most.Store(max(most.Load(), inside.Add(1)))
				runtime.Gosched() // for the others to come in, if they can
				inside.Add(-1)
				release()
			}
		})
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d had it at once", most.Load())
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left: %v", err)
	}
}

// The second process waits, is told who has the lock, and gives up when its time limit is
// over.
func TestLockOfSomebodyElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "feedd.changing")
	release, err := installer.Lock(t.Context(), path, "install", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := installer.Busy(path); err != nil || a == nil || a.PID != os.Getpid() || a.Verb != "install" {
		t.Errorf("%+v, %v", a, err)
	}
	if info, err := os.Stat(path); err != nil || installer.ModesCount && info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, platform.ErrTimeout)
	defer cancel()
	told := 0
	_, err = installer.Lock(ctx, path, "uninstall", func(error) { told++ })
	var busy *installer.BusyError
	if !errors.As(err, &busy) || !errors.Is(err, installer.ErrBusy) || busy.Actor.PID != os.Getpid() || told != 1 || !strings.Contains(err.Error(), "(install, pid ") {
		t.Errorf("%v, told %d times", err, told)
	}
	gone, stop := context.WithCancelCause(t.Context())
	stop(errBroken)
	if _, err := installer.Lock(gone, path, "uninstall", nil); !errors.Is(err, errBroken) {
		t.Errorf("interrupted: %v", err)
	}
	waits := make(chan struct{})
	done := make(chan error)
	go func() {
		release, err := installer.Lock(t.Context(), path, "uninstall", func(error) { close(waits) })
		if err == nil {
			release()
		}
		done <- err
	}()
	<-waits
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if a, err := installer.Busy(path); a != nil || err != nil {
		t.Errorf("free: %+v, %v", a, err)
	}
}
