package wrap

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// hurryHealth makes examine look at once.
func (p *Program) hurryHealth() {
	select {
	case p.examined <- struct{}{}:
	default: // it is about to
	}
}

// A sickness is the reason to end one life of the command.
type sickness struct {
	of    *child
	why   error
	hangs bool // asking it to end would be of no use
}

// examine checks the health of the command until a stop is requested. It does not check a command
// that is not ready or has ended.
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
			p.setUnhealthy(nil)
			failures = 0
			continue
		}
		failures++
		p.rt.Slog().Warn("a health check of the command failed", "error", err, "times", failures, "of", o.Health.Threshold)
		if failures < o.Health.Threshold && !certain {
			continue
		}
		failures = max(failures, o.Health.Threshold)
		p.setUnhealthy(err)
		if !o.Health.Tolerate {
			failures = 0
			select {
			case p.sick <- sickness{c, err, certain}:
			default: // it is already being ended
			}
		}
	}
}

// pause waits for the next round, without a timer if there is nothing to check. It returns false when
// a stop is requested.
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

// pace returns the time to the next round. It is short enough to notice soon that a watchdog has
// expired.
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

// health checks once. If certain is set, the threshold does not apply, because the command itself has
// said so, or has failed to.
func (p *Program) health(ctx context.Context, o Options, c *child) (certain bool, err error) {
	if c.trigger.Load() {
		return true, errors.New("it sent WATCHDOG=trigger")
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
