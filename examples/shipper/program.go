package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// program is the shipper as a service. Package ship does the work.
type program struct {
	rt        *service.Runtime
	cfg       config // the configuration in force
	stopDelay time.Duration
	loop      *loop
}

// Start begins to ship.
func (p *program) Start(ctx context.Context, rt *service.Runtime) error {
	cfg, err := readConfig(rt)
	if err != nil {
		return err
	}
	if err := pause(ctx, time.Duration(cfg.StartDelay)); err != nil {
		return fmt.Errorf("start_delay: %w", err)
	}
	s, err := ship.Open(ship.Options{
		Selection: cfg.selection(),
		Output:    string(cfg.Output),
		// The name is that of the lock, whose holder owns the checkpoint.
		Checkpoint: filepath.Join(rt.Dirs().State, rt.Config().ID("").String()+".checkpoint.json"),
		Log:        rt.Slog(),
	})
	if err != nil {
		return explain(rt, err)
	}
	p.rt, p.cfg, p.stopDelay = rt, cfg, time.Duration(cfg.StopDelay)
	p.loop = newLoop(s, rt)
	warnOfNothing(rt, cfg)
	rt.HealthCheck("shipping", p.loop.healthy)
	rt.Go("shipping", p.loop.run)
	return nil
}

// Reload changes inputs and match.
func (p *program) Reload(ctx context.Context) error {
	fresh, err := readConfig(p.rt)
	if err != nil {
		return err
	}
	if fresh.Output != p.cfg.Output {
		return badConfig(p.rt, fmt.Errorf("shipper.output cannot change while the shipper runs (from %q to %q): restart it", p.cfg.Output, fresh.Output))
	}
	if err := p.loop.choose(ctx, fresh.selection()); err != nil {
		return explain(p.rt, err)
	}
	if fresh.StartDelay != p.cfg.StartDelay || fresh.StopDelay != p.cfg.StopDelay {
		p.rt.Slog().Warn("start_delay and stop_delay take effect at the next start")
	}
	p.cfg = fresh
	warnOfNothing(p.rt, fresh)
	return nil
}

// Stop ships complete lines for up to half of the stop timeout. The next run ships the rest.
func (p *program) Stop(ctx context.Context) error {
	err := p.loop.end(ctx, p.rt.Config().StopTimeout/2)
	if e := pause(ctx, p.stopDelay); e != nil {
		err = errors.Join(err, fmt.Errorf("stop_delay: %w", e))
	}
	return err
}

// pause waits for d, to rehearse slow programs. A delay is no progress, so pause does not ask
// for more time.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// explain makes an error of the shipper lead to the right exit code, and adds what to do about
// it.
func explain(rt *service.Runtime, err error) error {
	var output *ship.OutputError
	switch {
	case errors.Is(err, ship.ErrOwnFile), errors.Is(err, filepath.ErrBadPattern):
		return badConfig(rt, fmt.Errorf("shipper.inputs: %w", err))
	case !errors.As(err, &output):
		return err
	case errors.Is(err, syscall.EROFS):
		err = fmt.Errorf("shipper.%w: the file system is read-only for this service: "+
			"add %q to read_write_paths in [service.hardening] and install it again", err, filepath.Dir(output.Path))
		return badConfig(rt, err)
	case errors.Is(err, fs.ErrNotExist):
		return badConfig(rt, fmt.Errorf("shipper.%w: create the directory first", err))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w: let the service's user write there, "+
			"or choose another user or output", platform.ErrPermission, err)
	}
	return err
}

// warnOfNothing warns of inputs that match no file yet. That may be intended, but a directory
// that cannot be read looks the same.
func warnOfNothing(rt *service.Runtime, c config) {
	for _, g := range c.Inputs {
		if found, _ := filepath.Glob(string(g)); len(found) == 0 {
			rt.Slog().Warn("an input matches no file yet: if it should, check that the service's user may read the directory", "input", string(g))
		}
	}
}
