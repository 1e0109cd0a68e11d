package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/singleton"
)

// begins reports whether the manager has a process of the service that is starting.
func (t *target) begins(ctx context.Context) bool {
	if t.manager == nil {
		return false
	}
	st, err := t.query(ctx, t.id)
	return err == nil && st.Phase == platform.PhaseStarting && st.PID != 0
}

// arriving waits until the process that the manager has just started holds the lock. Until
// then the service does not run, as far as the lock says. The wait is limited by the start
// timeout.
func (a *app) arriving(cmd *cobra.Command, t *target) (h singleton.Holder, err error) {
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), a.limit(t.cfg.StartTimeout), platform.ErrTimeout)
	defer cancel()
	err = a.whileWaiting(cmd, func() string { return "starting" }, func() error {
		tick := time.NewTicker(awaitEvery)
		defer tick.Stop()
		for {
			begins := t.begins(ctx) // asked before the lock, so that a process which takes the lock in between counts
			var err error
			h, err = t.holder(ctx)
			if ctx.Err() != nil {
				return fmt.Errorf("%q is starting: %w", t.id, context.Cause(ctx))
			}
			if !errors.Is(err, platform.ErrNotRunning) || !begins {
				return err
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return h, err
}
