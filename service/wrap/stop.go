package wrap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// Stop asks the command to end as [wrap.stop] says, and then kills all that is left of it.
func (p *Program) Stop(ctx context.Context) error {
	defer p.clear()
	p.mu.Lock()
	p.stopping = true
	p.mark()
	close(p.asked)
	p.mu.Unlock()
	select {
	case <-p.watched: // it may be restarting the command
	case <-ctx.Done():
	}
	p.mu.Lock()
	c, o := p.child, p.now
	p.mu.Unlock()
	if c.out.hurry.Err() != nil { // it has ended by itself, and was cleaned up
		return p.endAll(nil)
	}
	err := p.ask(ctx, o, c)
	return errors.Join(err, p.cleanUp(c))
}

// ask asks the command to end, and returns when it has ended or the grace is over. In the latter case
// the error says that it is killed.
func (p *Program) ask(ctx context.Context, o Options, c *child) error {
	if c.hasEnded() {
		return nil
	}
	grace, cancel := context.WithTimeoutCause(ctx, o.Stop.Grace, fmt.Errorf("not within the grace of %v", o.Stop.Grace))
	defer cancel()
	if err := p.askBy(grace, o, c); err != nil && !c.hasEnded() {
		p.rt.Slog().Warn("the command could not be asked to end", "error", err)
	}
	select {
	case <-c.ended:
		p.rt.Slog().Info("the command has ended", "how", c.result.String())
		return o.afterStop(c)
	case <-grace.Done():
		return c.saying(fmt.Errorf("the command did not end: %w: killed", context.Cause(grace)))
	}
}

// afterStop returns an error if the command has not ended as one does that was asked to. Death by the
// signal that asked is in order.
func (o Options) afterStop(c *child) error {
	code := c.result.exit(o.Exit)
	if code == 0 || c.result.asked(o.Stop.Signal) {
		return nil
	}
	return failed(code, c.saying(fmt.Errorf("the command ended with %v when it was asked to stop", c.result)))
}

// askBy asks the command to end as o says. If a command or HTTP call fails, the signal follows, for
// which a part of the grace is reserved.
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
		return p.spawner.ask(ctx, c.process, o.Stop)
	}
	if err == nil || c.hasEnded() || ctx.Err() != nil {
		return err
	}
	p.rt.Slog().Warn("the configured way to stop the command failed: using the default one", "error", err)
	if err = p.spawner.ask(ctx, c.process, o.Stop); errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
