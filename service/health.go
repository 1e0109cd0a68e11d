package service

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// health runs the program's checks and feeds the watchdog.
type health struct {
	mu     sync.Mutex
	checks []check
}

type check struct {
	name string
	fn   func(context.Context) error
}

func (h *health) add(name string, fn func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, check{name, fn})
}

// examine runs all checks; each must answer before ctx ends. A check that hangs
// must not keep the others, or us, from noticing.
func (h *health) examine(ctx context.Context) error {
	h.mu.Lock()
	checks := h.checks[:len(h.checks):len(h.checks)]
	h.mu.Unlock()
	for _, c := range checks {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := begin("health check "+c.name, func() error { return c.fn(ctx) }).wait(ctx); err != nil {
			return fmt.Errorf("health check %q: %w", c.name, err)
		}
	}
	return nil
}

// watch feeds the manager's watchdog, or is one itself where the manager has
// none but the configuration asks for it. It ends with ctx. Once a stop is asked
// for the checks say nothing any more: what they ask is being taken apart. The
// manager's watchdog is fed all the same, since the stop has a limit of its own.
func (l *life) watch(ctx context.Context) error {
	limit, theirs := l.host.Watchdog(), true
	if limit == 0 {
		limit, theirs = l.cfg.Watchdog, false
	}
	if limit == 0 {
		return nil
	}
	// sd_watchdog_enabled(3) recommends half the time.
	tick := time.NewTicker(limit / 2)
	defer tick.Stop()
	lastGood := time.Now()
	for {
		examined, cancel := context.WithTimeoutCause(l.stopping, limit/2, ErrOverrun)
		err := l.health.examine(examined)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil || l.stopping.Err() != nil:
			lastGood = time.Now()
			l.notify(platform.Notice{Alive: true})
		case !theirs && time.Since(lastGood) >= limit:
			return fmt.Errorf("%w (%v): %w", ErrUnhealthy, limit, err)
		default:
			l.log.Error("unhealthy: the watchdog is not fed", "error", err, "since", lastGood)
			l.state.update(func(s *State) { s.StatusText = err.Error() })
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
