package wrap

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/holdfast-dev/holdfast/service"
)

// restartFor returns the first key that differs between o and fresh and takes effect only when the
// command starts, or "" if there is none.
func (o Options) restartFor(fresh Options) string {
	for _, of := range []struct {
		key     string
		was, is any
	}{
		{"command", o.Command, fresh.Command},
		{"directory", o.Directory, fresh.Directory},
		{"env", o.Env, fresh.Env},
		{"probes", o.Probes, fresh.Probes},
		{"ready.notify", o.Ready.Notify, fresh.Ready.Notify},
		{"ready.log", o.Ready.Log, fresh.Ready.Log},
		{"ready.mark", o.Ready.Mark, fresh.Ready.Mark},
		{"health.watchdog", o.Health.Watchdog, fresh.Health.Watchdog},
		{"health.mark", o.Health.Mark, fresh.Health.Mark},
		{"output", o.Output, fresh.Output},
	} {
		if !reflect.DeepEqual(of.was, of.is) {
			return of.key
		}
	}
	return ""
}

// NeedsRestart reports whether a key of the table takes effect only when the command starts. Reload
// refuses to change it.
func (p *Program) NeedsRestart(key string) bool {
	key = strings.TrimPrefix(key, tableName+".")
	for _, start := range []string{"command", "directory", "env", "probes", "ready.notify", "ready.log", "ready.mark", "health.watchdog", "health.mark", "output"} {
		if key == start || strings.HasPrefix(key, start+".") {
			return true
		}
	}
	return false
}

// Reload reads the table [wrap] again, and makes the command reload its own configuration. It fails,
// and changes nothing, if a key has changed that takes effect only when the command starts.
func (p *Program) Reload(ctx context.Context) error {
	fresh := p.base()
	if err := p.rt.DecodeTable(tableName, &fresh); err != nil {
		return err
	}
	if err := fresh.Validate(); err != nil {
		return service.BadConfig(err)
	}
	p.mu.Lock()
	before, c := p.now, p.child
	p.mu.Unlock()
	if key := before.restartFor(fresh); key != "" {
		return fmt.Errorf("[wrap] %s has changed, which takes effect only at a restart of the service", key)
	}
	if err := p.reloadCommand(ctx, fresh, c); err != nil {
		return err
	}
	p.mu.Lock()
	p.now = fresh
	p.mu.Unlock()
	p.beAsked(fresh)
	p.hurryHealth()
	return nil
}

func (p *Program) reloadCommand(ctx context.Context, o Options, c *child) error {
	r := o.Reload
	limited := func(what string, do func(context.Context) error) error {
		ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout, fmt.Errorf("took longer than %v", r.Timeout))
		defer cancel()
		if err := do(ctx); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
	if c.hasEnded() && (r.Signal != "" || len(r.Command) > 0 || r.HTTP != "") {
		return errEnded
	}
	if len(r.Check) > 0 {
		if err := limited("reload.check", func(ctx context.Context) error { return p.command(o)(ctx, r.Check) }); err != nil {
			return err
		}
	}
	reloaded := make(chan struct{})
	if r.Notify {
		c.mu.Lock()
		c.reloads, c.reloaded = false, reloaded
		c.mu.Unlock()
	}
	var err error
	switch {
	case r.Signal != "":
		if err = c.survives(r.Signal); err == nil {
			err = c.signal(r.Signal, false)
		}
	case len(r.Command) > 0:
		err = limited("reload.command", func(ctx context.Context) error {
			return p.spawner.run(ctx, r.Command, append(p.environment(o), fmt.Sprintf("WRAP_PID=%d", c.pid())), p.directory(o))
		})
	case r.HTTP != "":
		err = limited("reload.http", func(ctx context.Context) error { return get(ctx, http.MethodPost, r.HTTP, 0) })
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return limited("after the reload", func(ctx context.Context) error { return p.afterReload(ctx, o, c, reloaded) })
}

// afterReload waits for the outcome of a reload: for what the command says or, if it says nothing,
// until the conditions of readiness hold again.
func (p *Program) afterReload(ctx context.Context, o Options, c *child, reloaded <-chan struct{}) error {
	if o.Reload.Notify {
		select {
		case <-reloaded:
			return nil
		case <-c.ended:
			return c.saying(fmt.Errorf("%w: %v", errEnded, c.result))
		case <-ctx.Done():
			return fmt.Errorf("no READY=1 was received: %w", context.Cause(ctx))
		}
	}
	probe := o.Ready.probe()
	probe.File = "" // it exists since the start
	if probe.empty() {
		return nil
	}
	asked, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-c.ended:
			cancel(errEnded)
		case <-over:
		}
	}()
	err := probe.until(asked, nil, p.command(o))
	if c.hasEnded() {
		return c.saying(fmt.Errorf("%w: %v", errEnded, c.result))
	}
	return err
}
