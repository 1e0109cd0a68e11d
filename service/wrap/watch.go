package wrap

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// watch waits for the end of the command, and for that of the one that is started after it, until
// a stop is asked for. Its error is why the service ends.
func (p *Program) watch(ctx context.Context) error {
	defer close(p.watched)
	readySince, tries := time.Now(), 0
	for {
		p.mu.Lock()
		c := p.child
		p.mu.Unlock()
		stopping, why := p.awaitEnd(c)
		if stopping {
			return nil
		}
		o := p.options()
		background := p.background(o, c)
		if err := p.cleanUp(c); err != nil {
			return fmt.Errorf("after the end of the command: %w", err)
		}
		p.rt.Slog().Warn("the command has ended", "how", c.result.String(), "lived", time.Since(c.since).Round(time.Second))
		if why == nil {
			why = c.saying(fmt.Errorf("the command ended by itself: %v", c.result))
		}
		if background != nil {
			return failed(1, background)
		}
		code := c.result.exit(o.Exit)
		if !o.Restart.follows(code) {
			return p.leave(code, why)
		}
		if o.Restart.ResetAfter > 0 && time.Since(readySince) >= o.Restart.ResetAfter {
			tries = 0
		}
		next, err := p.again(ctx, o, &tries, why)
		if next == nil {
			return err
		}
		readySince = time.Now()
	}
}

// awaitEnd returns when the command has ended, by itself or for what made it unwell; or when a
// stop is asked for.
func (p *Program) awaitEnd(c *child) (stopping bool, why error) {
	for ended := false; !ended; {
		select {
		case <-c.ended:
			ended = true
		case s := <-p.sick:
			if ended = s.of == c; ended { // else it is of one that has ended meanwhile
				why = c.saying(fmt.Errorf("the command is unwell: %w", s.why))
			}
		case <-p.asked:
			return true, nil
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving = nil
	p.mark()
	return p.stopping, why
}

// serve has c be asked for its health.
func (p *Program) serve(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving = c
	p.mark()
}

// leave has the service end as the command did.
func (p *Program) leave(code int, why error) error {
	if code == 0 {
		p.rt.End("the end of its command")
		return nil
	}
	return failed(code, why)
}

// follows reports whether we start a command again that ended by itself, so that the service
// would end with code.
func (r Restart) follows(code int) bool {
	return r.Policy == "always" || r.Policy == "on-failure" && code != 0
}

// delay is the wait before the restart that follows tries others: twice as long each time, and
// by chance somewhat longer or shorter.
func (r Restart) delay(tries int, chance float64) time.Duration {
	return platform.Restart{Delay: r.Delay, Backoff: 2, MaxDelay: r.MaxDelay, Jitter: r.Jitter}.After(tries+1, chance)
}

// again starts the command again, as often as the options want; nil is one that is not to be, and
// then the error is why the service ends.
func (p *Program) again(ctx context.Context, o Options, tries *int, why error) (*child, error) {
	for {
		if o.Restart.Max != platform.NoLimit && *tries >= o.Restart.Max {
			return nil, failed(1, fmt.Errorf("%w; started again %d times", why, *tries))
		}
		delay := o.Restart.delay(*tries, rand.Float64()) //nolint:gosec // nobody gains by guessing it
		*tries++
		p.rt.Slog().Error("starting the command again", "why", why, "after", delay.Round(time.Millisecond), "try", *tries)
		p.rt.Status(fmt.Sprintf("the command is started again in %v: %v", delay.Round(time.Millisecond), why))
		p.setUnwell(why)
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-p.asked:
			timer.Stop()
			return nil, nil
		}
		c, err := p.retry(ctx, o)
		if err == nil {
			p.setUnwell(nil)
			p.serve(c)
			p.rt.Status("the command was started again")
			return c, nil
		}
		if p.isStopping() {
			return nil, nil
		}
		why = err
	}
}

// retry is one start of the command, to readiness.
func (p *Program) retry(ctx context.Context, o Options) (*child, error) {
	limit := p.rt.Config().StartTimeout
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not ready within %v", limit))
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a stop that is asked for while we wait
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
		_ = p.cleanUp(c) // the next finds out
		return nil, err
	}
	return c, nil
}

func (p *Program) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopping
}

func (p *Program) setUnwell(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unwell = err
	p.mark()
}
