package wrap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// Stop ends the command by the way of [wrap.stop], and then all that is left of it.
func (p *Program) Stop(ctx context.Context) error {
	defer p.clear()
	p.mu.Lock()
	p.stopping = true
	p.mark()
	close(p.asked)
	p.mu.Unlock()
	select {
	case <-p.watched: // it may be in the middle of a start
	case <-ctx.Done():
	}
	p.mu.Lock()
	c, o := p.child, p.now
	p.mu.Unlock()
	if c.out.hurry.Err() != nil { // it has ended by itself, and is cleaned up
		return p.endAll(nil)
	}
	err := p.ask(ctx, o, c)
	return errors.Join(err, p.cleanUp(c))
}

// ask asks the command to end, and returns when it has or the grace is over: then
// the error is that it will be killed.
func (p *Program) ask(ctx context.Context, o Options, c *child) error {
	if c.hasEnded() {
		return nil
	}
	grace, cancel := context.WithTimeoutCause(ctx, o.Stop.Grace, fmt.Errorf("not within the grace of %v", o.Stop.Grace))
	defer cancel()
	if err := p.askBy(grace, o, c); err != nil && !c.hasEnded() {
		p.rt.Slog().Warn("the command was not asked to end as it should be", "error", err)
	}
	select {
	case <-c.ended:
		p.rt.Slog().Info("the command has ended", "how", c.result.String())
		return o.afterStop(c)
	case <-grace.Done():
		return c.saying(fmt.Errorf("the command did not end: %w: killed", context.Cause(grace)))
	}
}

// afterStop is what is wrong with how a command ended that was asked to: nothing, if it took the
// signal for what it is, by a handler or without one.
func (o Options) afterStop(c *child) error {
	code := c.result.exit(o.Exit)
	if code == 0 || c.result.asked(o.Stop.Signal) {
		return nil
	}
	return failed(code, c.saying(fmt.Errorf("the command ended with %v when it was asked to", c.result)))
}

// askBy is the way to stop. One that fails leaves the signal, for which some of the grace is kept.
func (p *Program) askBy(ctx context.Context, o Options, c *child) (err error) {
	most := o.Stop.Grace / 4 * 3
	limit, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("not within %v of the grace", most))
	defer cancel()
	switch {
	case len(o.Stop.Command) > 0:
		err = p.spawner.run(limit, o.Stop.Command, append(p.environment(o), fmt.Sprintf("WRAP_PID=%d", c.pid())), p.directory(o))
	case o.Stop.HTTP != "":
		err = get(limit, http.MethodPost, o.Stop.HTTP, 0)
	default:
		return c.ask(o.Stop)
	}
	if err == nil || c.hasEnded() || ctx.Err() != nil {
		return err
	}
	p.rt.Slog().Warn("the command is asked to end in the usual way, because the other failed", "error", err)
	if err = c.ask(o.Stop); errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
