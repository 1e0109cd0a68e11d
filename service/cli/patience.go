package cli

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// spare is what a manager gets beyond the service's own time: it may have to start what
// that needs, or stop what needs it.
const spare = 2 * time.Minute

// signEvery is how often the service's own file is looked at for a sign of progress.
const signEvery = time.Second

// patience is how long a manager may take for whatever it does with the service.
func (t *target) patience() time.Duration {
	return t.cfg.StartTimeout + 2*t.cfg.StopTimeout + t.cfg.ReloadTimeout + 3*platform.StopMargin + spare
}

// bounded is a machine whose commands are given up after a time: those of a manager that
// hangs would have an install or uninstall hang, too.
type bounded struct {
	platform.System
	limit time.Duration
}

func (b bounded) Run(ctx context.Context, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit, fmt.Errorf("%w: it did not end within %v", platform.ErrTimeout, b.limit))
	defer cancel()
	return b.System.Run(ctx, argv...)
}

// What else a machine can do, bounded has as well: without that, what is taken back would
// belong to somebody else.
var (
	_ platform.Owners   = bounded{}
	_ platform.DirMaker = bounded{}
)

func (b bounded) Owner(path string) (platform.Owner, error) {
	return installer.Keeper{System: b.System}.Owner(path)
}

func (b bounded) Chown(path string, o platform.Owner) error {
	return installer.Keeper{System: b.System}.Chown(path, o)
}

func (b bounded) MakeDir(path string, mode fs.FileMode) error {
	return installer.Keeper{System: b.System}.MakeDir(path, mode)
}

// commands is the machine of t for those who change its installation.
func (t *target) commands() platform.System {
	if _, ok := t.System.(platform.Applier); ok { // it does what is no command, too
		return t.System
	}
	return bounded{t.System, t.patience()}
}

// patient is a manager whose stop is given up where it hangs, as stop does.
type patient struct {
	platform.Manager
	t *target
}

func (p patient) Stop(ctx context.Context, _ platform.ID) error {
	return p.t.patiently(ctx, p.Manager.Stop)
}

// patiently has the manager do something for as long as there is progress. A manager minds
// the time itself, and may hang all the same: openrc-run 0.56 does at times, when a child of
// its has ended too soon.
func (t *target) patiently(ctx context.Context, do func(context.Context, platform.ID) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- do(ctx, t.id) }()

	limit := t.patience()
	clock := time.AfterFunc(limit, func() {
		cancel(fmt.Errorf("%w: %s has not finished, and the service has shown no progress for %v", platform.ErrTimeout, t.manager.Name(), limit))
	})
	defer clock.Stop()
	tick := time.NewTicker(signEvery)
	defer tick.Stop()
	type sign struct {
		text    string
		stopped int // steps of its stop
	}
	var last sign
	seen := map[int]bool{} // the one that ends, and the one that starts; what is started again and again is no progress
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
		}
		s, err := state.Read(t.dirs.StateFile(t.id.String()))
		if err != nil {
			continue
		}
		now := sign{text: s.StatusText}
		if s.Stop != nil {
			now.stopped = len(s.Stop.Steps)
		}
		if seen[s.Process.PID] = true; len(seen) <= 2 && now != last && clock.Stop() {
			last = now
			clock.Reset(limit)
		}
	}
}
