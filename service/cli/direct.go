package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

// deafFor limits the time in which a process must end after it has stopped listening.
const deafFor = 2 * time.Second

// stopDirectly asks the holder itself to stop, and returns when it has ended.
func (a *app) stopDirectly(cmd *cobra.Command, t *target, h singleton.Holder, kill bool) error {
	limit := a.limit(t.cfg.StopTimeout)
	deaf := t.signal(h, "stop", syscall.SIGTERM)
	switch {
	case errors.Is(deaf, os.ErrProcessDone): // it may not have been reaped yet
		ctx, cancel := context.WithTimeout(cmd.Context(), deafFor)
		defer cancel()
		_ = t.Wait(ctx, h.Identity)
		return nil
	case errors.Is(deaf, proc.ErrDeaf): // it no longer listens: it is about to end, or never will
		limit = min(limit, deafFor)
	case deaf != nil:
		return deaf
	}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), limit, platform.ErrTimeout)
	defer cancel()
	err := a.whileWaiting(cmd, func() string { return t.stopProgress(h) }, func() error { return t.Wait(ctx, h.Identity) })
	if errors.Is(err, platform.ErrTimeout) && kill {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s did not stop within %v: killing it\n", t.id, limit)
		if err = t.kill(cmd.Context(), t.toKill(cmd.Context(), h)); err == nil {
			return notInOrder(t.id, "it did not stop within %v and was killed (see stop_timeout)", limit)
		} else if !errors.Is(err, platform.ErrTimeout) {
			return err
		}
	}
	if err != nil && deaf != nil {
		return deaf
	}
	if err != nil {
		return fmt.Errorf("stop %q: %w: %s (still there: %s)", t.id, err, t.stopProgress(h), heldBy(h))
	}
	return nil
}

func (t *target) stopProgress(h singleton.Holder) string {
	s, err := t.state(h)
	if err != nil || s.Stop == nil {
		return "asked to stop"
	}
	text := fmt.Sprintf("stopping, %d steps done", len(s.Stop.Steps)) + prefixed(", at work: ", s.Stop.Now)
	if s.StatusText != "" {
		text += ", " + s.StatusText
	}
	return text
}

// errStopped means that the holder ended while we waited for it.
var errStopped = errors.New("it ended before it reloaded")

// reloadDirectly asks the holder to reload. It returns the outcome of a reload that started
// after the request.
func (a *app) reloadDirectly(cmd *cobra.Command, t *target, h singleton.Holder, wait bool) error {
	requested, err := t.Monotonic()
	if err != nil {
		return err
	}
	asked := t.Now()
	if err := t.signal(h, "reload", syscall.SIGHUP); err != nil || !wait {
		return err
	}
	// The service may have to become ready first.
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), a.limit(t.cfg.StartTimeout+t.cfg.ReloadTimeout), platform.ErrTimeout)
	defer cancel()
	err = a.whileWaiting(cmd, func() string { return "reloading" }, func() error {
		return state.AwaitReload(ctx, requested, func() (state.State, error) { return t.state(h) }, func() error {
			if alive, err := t.Alive(h.Identity); err == nil && !alive {
				return fmt.Errorf("%w%s", errStopped, t.ending(ctx, h))
			}
			return nil
		})
	})
	if errors.Is(err, platform.ErrTimeout) {
		err = t.withoutOutcome(err, asked)
	}
	if err != nil {
		return fmt.Errorf("reload %q: %w", t.id, err)
	}
	return nil
}

// limit returns how long to wait for something that may take d. It is the value of --timeout,
// or else d and the margin in which the service forces its own end.
func (a *app) limit(d time.Duration) time.Duration {
	if a.timeout > 0 {
		return a.timeout
	}
	return d + platform.StopMargin
}
