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

// defaultHealthInterval is often enough to be looked at by people.
const defaultHealthInterval = 30 * time.Second

// health runs the program's checks. One goroutine examines, any may add.
type health struct {
	mu     sync.Mutex
	checks []*check
}

type check struct {
	name string
	fn   func(context.Context) error

	call *pending // the last one, which may still run
	said Health   // by it; zero before the first
}

func (h *health) add(name string, fn func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{name: name, fn: fn})
}

// examine asks all checks; each must answer before ctx ends, and those that there
// is no time for are not asked. A check that hangs must not keep us from noticing:
// it is waited for the next time, and not called again before it has returned.
// heard is called after each.
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

// said is what the checks that were ever asked said last.
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

// answered reports whether each check has been asked, and has answered or overrun.
func (h *health) answered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !slices.ContainsFunc(h.checks, func(c *check) bool { return c.said.Since.IsZero() })
}

// noteHealth writes down what has changed since before, and logs what began or
// ceased to fail. It returns what is so now.
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

// complaint is the status text that says why the watchdog is not fed.
type complaint struct{ text, before string } // before: what stood there

// show puts err into the place of the status text.
func (c *complaint) show(err error) func(*State) {
	return func(s *State) {
		if s.StatusText != c.text {
			c.before = s.StatusText
		}
		c.text = err.Error()
		s.StatusText = c.text
	}
}

// withdraw puts back what stood there, unless the program has said something else
// since.
func (c *complaint) withdraw(s *State) {
	if s.StatusText == c.text {
		s.StatusText = c.before
	}
	*c = complaint{}
}

// watch has the checks examined, and feeds the manager's watchdog by that, or is
// one itself where the manager has none but the configuration asks for it. Without
// any watchdog what fails is told and no more. It ends with ctx. Once a stop is
// asked for the checks say nothing any more: what they ask is being taken apart.
// The manager's watchdog is fed all the same, since the stop has a limit of its own.
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
	settled := l.trial == nil // nobody waits for that
	for {
		examined, cancel := context.WithTimeoutCause(l.with(l.stopping), pace, ErrOverrun)
		err := l.health.examine(examined, func() {
			if l.stopping.Err() == nil {
				said = l.noteHealth(said)
			}
		})
		cancel()
		if !settled && l.stopping.Err() == nil && l.health.answered() {
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
		case limit == 0: // what fails has been told
		case !theirs && time.Since(lastGood) >= limit:
			return fmt.Errorf("%w (%v): %w", ErrUnhealthy, limit, err)
		default:
			l.log.Error("unhealthy: the watchdog is not fed", "error", err, "since", lastGood)
			l.state.update(unfed.show(err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
