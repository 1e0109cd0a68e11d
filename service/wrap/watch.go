package wrap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// watch waits for the end of the command and, if it is restarted, of each further one, until a stop is
// requested. The error is the reason why the service ends.
func (p *Program) watch(ctx context.Context) error {
	defer close(p.watched)
	readySince, tries := time.Now(), 0
	for {
		p.mu.Lock()
		c := p.child
		p.mu.Unlock()
		stopping, hangs, why := p.awaitEnd(c)
		if stopping {
			return nil
		}
		o := p.options()
		var background, asked error
		switch {
		case why == nil:
			background = p.background(o, c)
		case !hangs:
			asked = p.endSick(ctx, o, c, why)
		}
		if err := p.cleanUp(c); err != nil {
			return fmt.Errorf("after the end of the command: %w", err)
		}
		p.rt.Slog().Warn("the command has ended", "how", c.result.String(), "lived", time.Since(c.since).Round(time.Second))
		if why != nil && !hangs && p.isStopping() { // a stop was requested meanwhile, and asks it in the same way
			return asked
		}
		code := c.result.exit(o.Exit)
		if why != nil && code == 0 { // it has ended in order, but not by itself
			code = platform.ExitFailed
		}
		if why == nil {
			why = c.saying(fmt.Errorf("the command ended by itself: %v", c.result))
		}
		if background != nil {
			return failed(1, background)
		}
		if !o.Restart.follows(code) {
			return p.leave(code, why)
		}
		if o.Restart.ResetAfter > 0 && time.Since(readySince) >= o.Restart.ResetAfter {
			tries = 0
		}
		next, err := p.again(ctx, o, &tries, code, why)
		if next == nil {
			return err
		}
		readySince = time.Now()
	}
}

// awaitEnd returns when the command has ended, when it is to be ended because it is unhealthy, or when
// a stop is requested. why is the reason in the second case, and hangs says that it hangs.
func (p *Program) awaitEnd(c *child) (stopping, hangs bool, why error) {
	for ended := false; !ended; {
		select {
		case <-c.ended:
			ended = true
		case s := <-p.sick:
			if ended = s.of == c; ended { // otherwise it is about a command that has ended meanwhile
				hangs, why = s.hangs, c.saying(fmt.Errorf("the command is unhealthy: %w", s.why))
			}
		case <-p.asked:
			return true, false, nil
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving = nil
	p.mark()
	return p.stopping, hangs, why
}

// endSick asks an unhealthy command to end, as a stop does. It may still be able to save its data. The
// error says that it has not ended in order.
func (p *Program) endSick(ctx context.Context, o Options, c *child, why error) error {
	p.rt.Slog().Warn("ending the command", "why", why)
	err := p.ask(ctx, o, c)
	if err != nil {
		p.rt.Slog().Warn("the unhealthy command has not ended in order", "error", err)
	}
	return err
}

// serve makes c the command whose health is checked.
func (p *Program) serve(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving = c
	p.mark()
}

// leave ends the service with the outcome of the command.
func (p *Program) leave(code int, why error) error {
	if code == 0 {
		p.rt.End("the end of its command")
		return nil
	}
	return failed(code, why)
}

// follows reports whether we restart a command that has ended by itself. code is the exit code with
// which the service would end.
func (r Restart) follows(code int) bool {
	return r.Policy == "always" || r.Policy == "on-failure" && code != 0
}

// delay returns the wait before a restart that follows tries others. It doubles each time, and varies
// with chance.
func (r Restart) delay(tries int, chance float64) time.Duration {
	return platform.Restart{Delay: r.Delay, Backoff: 2, MaxDelay: r.MaxDelay, Jitter: r.Jitter}.After(tries+1, chance)
}

// again restarts the command, as often as the options permit. If it returns no command, the error is
// the reason why the service ends, or nil after a request to stop. code and why describe the last end.
func (p *Program) again(ctx context.Context, o Options, tries *int, code int, why error) (*child, error) {
	for {
		if o.Restart.Max != platform.NoLimit && *tries >= o.Restart.Max {
			return nil, failed(code, fmt.Errorf("%w; restarted %d times", why, *tries))
		}
		delay := o.Restart.delay(*tries, rand.Float64()) //nolint:gosec // guessing it helps nobody
		*tries++
		p.rt.Slog().Error("restarting the command", "why", why, "after", delay.Round(time.Millisecond), "try", *tries)
		p.rt.Status(fmt.Sprintf("restarting the command in %v: %v", delay.Round(time.Millisecond), why))
		p.setUnhealthy(why)
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-p.asked:
			timer.Stop()
			return nil, nil
		}
		c, err := p.retry(ctx, o)
		if err == nil {
			p.setUnhealthy(nil)
			p.serve(c)
			p.rt.Status("the command was restarted")
			return c, nil
		}
		if p.isStopping() {
			return nil, nil
		}
		code, why = platform.ExitFailed, err
		if e, ok := errors.AsType[*service.ExitError](err); ok {
			code = e.Code
		}
	}
}

// retry starts the command once, and returns when it is ready.
func (p *Program) retry(ctx context.Context, o Options) (*child, error) {
	limit := p.rt.Config().StartTimeout
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not ready within %v", limit))
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a stop may be requested meanwhile
		select {
		case <-p.asked:
			cancel()
		case <-stop:
		}
	}()
	if err := p.hooks(ctx, "before_start", o.Hooks.BeforeStart, nil); err != nil {
		return nil, err
	}
	if p.isStopping() {
		return nil, errEnded
	}
	c, err := p.spawn()
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, c); err != nil {
		_ = p.cleanUp(c) // err matters more
		return nil, err
	}
	return c, nil
}

func (p *Program) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopping
}

func (p *Program) setUnhealthy(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unhealthy = err
	p.mark()
}
