package wrap

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// hurryHealth has health look at once.
func (p *Program) hurryHealth() {
	select {
	case p.examined <- struct{}{}:
	default: // it will
	}
}

// sickness is why one life of the command is to be ended.
type sickness struct {
	of  *child
	why error
}

// examine asks for the command's health until a stop is asked for. One that is not ready, or has ended,
// is another's concern.
func (p *Program) examine(ctx context.Context) error {
	failures := 0
	var last *child
	for {
		o := p.options()
		if !p.pause(o) {
			return nil
		}
		p.mu.Lock()
		c := p.serving
		p.mu.Unlock()
		if c != last {
			failures, last = 0, c
		}
		if c == nil || c.hasEnded() {
			continue
		}
		certain, err := p.health(ctx, o, c)
		switch {
		case p.isStopping(), c.hasEnded():
			continue
		case err == nil:
			p.setUnwell(nil)
			failures = 0
			continue
		}
		failures++
		p.rt.Slog().Warn("the command does not do well", "error", err, "times", failures, "of", o.Health.Threshold)
		if failures < o.Health.Threshold && !certain {
			continue
		}
		failures = max(failures, o.Health.Threshold)
		p.setUnwell(err)
		if !o.Health.Tolerate {
			failures = 0
			select {
			case p.sick <- sickness{c, err}:
			default: // it is being ended
			}
		}
	}
}

// pause waits for the next round, without a clock where there is nothing to ask. It reports whether there
// is one: none, when a stop is asked for.
func (p *Program) pause(o Options) bool {
	var next <-chan time.Time
	if o.Health.Watchdog > 0 || !o.Health.probe().empty() {
		timer := time.NewTimer(p.pace(o))
		defer timer.Stop()
		next = timer.C
	}
	select {
	case <-next:
	case <-p.examined:
	case <-p.asked:
		return false
	}
	return true
}

// pace is the time to the next round: so that a watchdog is not noticed much later than it strikes.
func (p *Program) pace(o Options) time.Duration {
	if w := p.watchdog(); w > 0 {
		return min(o.Health.Interval, w/2)
	}
	return o.Health.Interval
}

func (p *Program) watchdog() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now.Health.Watchdog == 0 || p.child == nil {
		return 0
	}
	return time.Duration(p.child.watchdog.Load())
}

// health is one round. It is certain of what the command says itself.
func (p *Program) health(ctx context.Context, o Options, c *child) (certain bool, err error) {
	if c.trigger.Load() {
		return true, errors.New("it says so itself: WATCHDOG=trigger")
	}
	if w := p.watchdog(); w > 0 {
		if silent := time.Since(time.Unix(0, c.pinged.Load())); silent > w {
			return true, fmt.Errorf("no WATCHDOG=1 for %v", silent.Round(time.Millisecond))
		}
	}
	if probe := o.Health.probe(); !probe.empty() {
		return false, probe.ask(ctx, nil, p.command(o))
	}
	return false, nil
}
