package state

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// reloadPoll is the polling interval of AwaitReload. Neither people nor managers notice it.
const reloadPoll = 10 * time.Millisecond

// AwaitReload waits for the outcome of a reload that began after requested, the time of the
// request by [proc.Monotonic]. It calls read for the state of the process that received the
// request, and ignores errors of read. It calls gone, which returns an error once that process
// will not answer any more. AwaitReload blocks until there is an outcome, gone returns an
// error, or ctx ends. If the program refused the reload, the error wraps platform.ErrRejected
// and has the program's reason.
func AwaitReload(ctx context.Context, requested time.Duration, read func() (State, error), gone func() error) error {
	tick := time.NewTicker(reloadPoll)
	defer tick.Stop()
	for {
		// Call it before reading, so that the last state of a dead process still counts.
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

// Outcome returns nil if the last completed reload succeeded. Otherwise the error wraps
// platform.ErrRejected.
func (r Reloads) Outcome() error {
	if r.LastError == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", platform.ErrRejected, r.LastError)
}
