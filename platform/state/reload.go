package state

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// How often AwaitReload reads the state: less than a person or a manager notices.
const reloadPoll = 10 * time.Millisecond

// AwaitReload waits for the outcome of a reload that began after the moment
// requested, by [proc.Monotonic]: the one at which it was asked for. read gives
// the state of the process that got the request (an error: not now); gone is not
// nil when that process will give no answer any more, and says why. AwaitReload
// blocks until there is an outcome, gone says so, or ctx ends. What the program
// refused is platform.ErrRejected with the program's own words.
func AwaitReload(ctx context.Context, requested time.Duration, read func() (State, error), gone func() error) error {
	tick := time.NewTicker(reloadPoll)
	defer tick.Stop()
	for {
		// Before the state is read, as the last words of who is gone still count.
		end := gone()
		if s, err := read(); err == nil && s.Reloads.LastStart > requested {
			return s.Reloads.Outcome()
		}
		if end != nil {
			return end
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no outcome: %w", context.Cause(ctx))
		}
	}
}

// Outcome is nil if the last completed reload succeeded, and wraps
// platform.ErrRejected otherwise.
func (r Reloads) Outcome() error {
	if r.LastError == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", platform.ErrRejected, r.LastError)
}
