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

// spare is the time that a manager gets beyond the service's own: it may have to start
// dependencies, or stop dependents.
const spare = 2 * time.Minute

// signEvery is the time between two looks for progress in the service's own file.
const signEvery = time.Second

// patience limits the time that a manager may take for any action on the service.
func (t *target) patience() time.Duration {
	return t.cfg.StartTimeout + 2*t.cfg.StopTimeout + t.cfg.ReloadTimeout + 3*platform.StopMargin + spare
}

// A bounded is a machine whose commands are given up after a time. Otherwise a manager that
// hangs would make an install or uninstall hang.
type bounded struct {
	platform.System
	limit time.Duration
}

func (b bounded) Run(ctx context.Context, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit, fmt.Errorf("%w: it did not end within %v", platform.ErrTimeout, b.limit))
	defer cancel()
	return b.System.Run(ctx, argv...)
}

// A bounded also has the optional abilities of a machine. Without them, files that a rollback restores
// would get another owner.
var (
	_ platform.Owners   = bounded{}
	_ platform.DirMaker = bounded{}
)

func (b bounded) Owner(path string) (platform.Owner, error) {
	return installer.ServiceApplier{System: b.System}.Owner(path)
}

func (b bounded) Chown(path string, o platform.Owner) error {
	return installer.ServiceApplier{System: b.System}.Chown(path, o)
}

func (b bounded) MakeDir(path string, mode fs.FileMode) error {
	return installer.ServiceApplier{System: b.System}.MakeDir(path, mode)
}

// commands returns the machine of t for changes to its installation.
func (t *target) commands() platform.System {
	if _, ok := t.System.(platform.Applier); ok { // it also carries out steps that are no commands
		return t.System
	}
	return bounded{t.System, t.patience()}
}

// A patient is a manager whose Stop is given up if it hangs, as by the stop command.
type patient struct {
	platform.Manager
	t *target
}

func (p patient) Stop(ctx context.Context, _ platform.ID) error {
	return p.t.patiently(ctx, p.Manager.Stop)
}

// patiently lets the manager do something for as long as there is progress. A manager has its
// own timeouts, and may hang all the same: openrc-run 0.56 sometimes does, when a child of it
// has ended too early.
func (t *target) patiently(ctx context.Context, do func(context.Context, platform.ID) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- do(ctx, t.id) }()

	limit := t.patience()
	clock := time.AfterFunc(limit, func() {
		cancel(fmt.Errorf("%w: %s has not finished, and the service has made no progress for %v", platform.ErrTimeout, t.manager.Name(), limit))
	})
	defer clock.Stop()
	tick := time.NewTicker(signEvery)
	defer tick.Stop()
	type sign struct {
		text    string
		stopped int // finished steps of its stop
	}
	var last sign
	seen := map[int]bool{} // the process that ends and the one that starts: repeated restarts are no progress
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
