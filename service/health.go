package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/alarm"
)

// defaultHealthInterval is short enough for people who look at the results.
const defaultHealthInterval = 30 * time.Second

// health runs the program's checks. One goroutine examines them; any goroutine may add one.
type health struct {
	added chan struct{} // holds a token after a check was added

	mu     sync.Mutex
	checks []*check
}

type check struct {
	name string
	fn   func(context.Context) error

	call *pending // the last call, which may still run
	said Health   // the last result; zero before the first
}

func (h *health) add(name string, fn func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{name: name, fn: fn})
	select {
	case h.added <- struct{}{}:
	default:
	}
}

// none reports whether there are no checks.
func (h *health) none() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.checks) == 0
}

// examine runs all checks in turn and calls heard after each. Each check must answer before
// ctx ends; those for which no time is left are not run. A check that hangs does not stop us
// from noticing: examine waits for it the next time, and does not call it again before it has
// returned.
func (h *health) examine(ctx context.Context, heard func()) error {
	h.mu.Lock()
	checks := slices.Clone(h.checks)
	h.mu.Unlock()
	var errs []error
	for _, c := range checks {
		if ctx.Err() != nil {
			errs = append(errs, context.Cause(ctx))
			break
		}
		if c.call == nil || c.call.ended() {
			c.call = begin("health check "+c.name, func() error { return c.fn(ctx) })
		}
		err := c.call.wait(ctx)
		c.note(err, time.Now())
		heard()
		if err != nil {
			errs = append(errs, fmt.Errorf("health check %q: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

func (c *check) note(err error, now time.Time) {
	said := Health{Name: c.name, OK: err == nil, Since: c.said.Since}
	if err != nil {
		said.Error = err.Error()
	}
	if said.OK != c.said.OK || c.said.Since.IsZero() {
		said.Since = now
	}
	c.said = said
}

// said returns the last results of the checks that have been run.
func (h *health) said() []Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Health
	for _, c := range h.checks {
		if !c.said.Since.IsZero() {
			all = append(all, c.said)
		}
	}
	return all
}

// answered reports whether each check has been run at least once, and has answered or overrun.
func (h *health) answered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !slices.ContainsFunc(h.checks, func(c *check) bool { return c.said.Since.IsZero() })
}

// noteHealth writes the results that differ from before to the state file, logs checks that
// begin or cease to fail, and returns the current results.
func (l *life) noteHealth(before []Health) []Health {
	now := l.health.said()
	if slices.Equal(before, now) {
		return before
	}
	for i, h := range now {
		was := Health{OK: true}
		if i < len(before) {
			was = before[i]
		}
		switch {
		case was.OK && !h.OK:
			l.log.Warn("a health check fails", "check", h.Name, "error", h.Error)
			l.alarms.Raise(alarm.HealthLost, h.Name, "health check "+h.Name+" fails: "+h.Error)
		case !was.OK && h.OK:
			l.log.Info("a health check succeeds again", "check", h.Name)
			l.alarms.Raise(alarm.HealthRegained, h.Name, "health check "+h.Name+" succeeds again")
		}
	}
	l.state.update(func(s *State) { s.Health = now })
	return now
}

// A complaint is a status text that says why the watchdog is not fed.
type complaint struct{ text, before string } // before: the previous text

// show replaces the status text by err.
func (c *complaint) show(err error) func(*State) {
	return func(s *State) {
		if s.StatusText != c.text {
			c.before = s.StatusText
		}
		c.text = err.Error()
		s.StatusText = c.text
	}
}

// withdraw restores the previous status text, unless the program has set another one since.
func (c *complaint) withdraw(s *State) {
	if s.StatusText == c.text {
		s.StatusText = c.before
	}
	*c = complaint{}
}

// isServing reports whether the service has become ready.
func (l *life) isServing() bool {
	select {
	case <-l.served:
		return true
	default:
		return false
	}
}

// watch runs the checks periodically until ctx ends, and feeds the manager's watchdog while
// they succeed. If the manager has no watchdog but the configuration asks for one, watch
// returns ErrUnhealthy once the checks have failed for that long. Without any watchdog,
// failures are only reported.
//
// A candidate that waits to lead its cluster, and a leader that starts after that, have no
// checks yet, and the manager's watchdog is fed.
//
// Once a stop is requested, the results are ignored, because the stop dismantles what the
// checks examine. The manager's watchdog is still fed then: the stop has a time limit of its
// own.
func (l *life) watch(ctx context.Context) error {
	limit, theirs := l.host.Watchdog(), true
	if limit == 0 {
		limit, theirs = l.cfg.Watchdog, false
	}
	pace := l.cfg.HealthInterval
	if limit > 0 {
		pace = limit / 2 // as sd_watchdog_enabled(3) recommends
	}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	lastGood := time.Now()
	var said []Health
	var unfed complaint
	settled := l.trial == nil // only a trial waits for the first results
	for {
		examined, cancel := context.WithTimeoutCause(l.with(l.stopping), pace, ErrOverrun)
		var err error
		if l.isServing() {
			err = l.health.examine(examined, func() {
				if l.stopping.Err() == nil {
					said = l.noteHealth(said)
				}
			})
		}
		cancel()
		if !settled && l.stopping.Err() == nil && (!l.isServing() || l.health.answered()) { // a candidate that waits has none
			settled = true
			l.state.update(func(s *State) { s.Examined = true })
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil || l.stopping.Err() != nil:
			lastGood = time.Now()
			if unfed != (complaint{}) {
				l.state.update(unfed.withdraw)
			}
			if limit > 0 {
				l.notify(platform.Notice{Alive: true})
			}
		case limit == 0: // failures have been reported
		case !theirs && time.Since(lastGood) >= limit:
			return fmt.Errorf("%w (%v): %w", ErrUnhealthy, limit, err)
		default:
			l.log.Error("unhealthy: the watchdog gets no keep-alive", "error", err, "since", lastGood)
			l.state.update(unfed.show(err))
		}
		var first <-chan struct{}
		if limit == 0 && l.health.none() {
			tick.Stop() // an idle service should not wake up
			first = l.health.added
		}
		select {
		case <-tick.C:
		case <-first:
			tick.Reset(pace)
		case <-ctx.Done():
			return nil
		}
	}
}
