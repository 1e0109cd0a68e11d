package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// lock is the singleton of the target.
func (t *target) lock() singleton.Options {
	return singleton.Options{Name: t.id.String(), Dir: t.dirs.Runtime, StateDir: t.dirs.State}
}

// holder is the verified holder. The error wraps platform.ErrNotRunning if there
// is none, with a word on what a dead one left.
func (t *target) holder() (singleton.Holder, error) {
	h, err := singleton.Probe(t.lock())
	switch {
	case errors.Is(err, singleton.ErrFree):
		return h, fmt.Errorf("%q: %w%s", t.id, platform.ErrNotRunning, t.leftover())
	case err != nil:
		return h, err
	case !h.Known():
		return h, fmt.Errorf("%q runs, but as %s: nothing is signalled", t.id, heldBy(h))
	}
	return h, nil
}

// leftover describes a PID file that nobody holds.
func (t *target) leftover() string {
	path := t.lock().PIDFile()
	content, err := readLeftover(path)
	if errors.Is(err, files.ErrUntrusted) {
		return fmt.Sprintf(" (%v)", err)
	} else if err != nil {
		return ""
	}
	pid, err := singleton.ParsePID(content)
	if err != nil {
		return fmt.Sprintf(" (%s is left: %v)", path, err)
	}
	what := "which is gone"
	if id, err := proc.Of(pid); err == nil {
		what = "now another process: " + cmp.Or(id.Exe, "unknown") + ", left alone"
	}
	return fmt.Sprintf(" (%s is left and names %d, %s)", path, pid, what)
}

// readLeftover reads no more of a file than tells whether it is a PID file: it
// may be anything by now, and a FIFO would have us wait for ever.
func readLeftover(path string) ([]byte, error) {
	f, err := files.Open(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, 100))
}

// signal sends sig to the holder. The error is os.ErrProcessDone if it is gone.
func (t *target) signal(h singleton.Holder, doing string, sig os.Signal) error {
	err := h.Signal(sig)
	switch {
	case err == nil || errors.Is(err, os.ErrProcessDone):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s %q: %w: ask as user %s, or %s", doing, t.id, err, h.User(), privileged)
	}
	return fmt.Errorf("%s %q: %w", doing, t.id, err)
}

// state is what the holder wrote of itself; an error if it was another who wrote.
func (t *target) state(h singleton.Holder) (service.State, error) {
	s, err := service.ReadState(t.dirs.StateFile(t.id.String()))
	if err == nil && !s.Process.Same(h.Identity) {
		err = fmt.Errorf("state file: it was written by another process (%d)", s.Process.PID)
	}
	return s, err
}

// stopDirectly asks the holder itself to stop and returns when it is gone.
func (a *app) stopDirectly(cmd *cobra.Command, t *target, h singleton.Holder, kill bool) error {
	limit := a.limit(t.cfg.StopTimeout)
	deaf := t.signal(h, "stop", syscall.SIGTERM)
	switch {
	case errors.Is(deaf, os.ErrProcessDone):
		return nil
	case errors.Is(deaf, proc.ErrDeaf): // it does not listen any more: it is about to end, or never will
		limit = min(limit, deafFor)
	case deaf != nil:
		return deaf
	}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), limit, platform.ErrTimeout)
	defer cancel()
	err := a.whileWaiting(cmd, func() string { return t.stopProgress(h) }, func() error { return h.Wait(ctx) })
	if errors.Is(err, platform.ErrTimeout) && kill {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s did not stop within %v: killing it\n", t.id, limit)
		if err := t.kill(t.killed(h), syscall.SIGKILL); err != nil {
			return err
		}
		last, cancel := context.WithTimeoutCause(cmd.Context(), platform.StopMargin, platform.ErrTimeout)
		defer cancel()
		err = h.Wait(last)
	}
	if err != nil && deaf != nil {
		return deaf
	}
	if err != nil {
		return fmt.Errorf("stop %q: %w: %s (still there: %s)", t.id, err, t.stopProgress(h), heldBy(h))
	}
	return nil
}

// deafFor is how long a process may take to end after it has stopped listening.
const deafFor = 2 * time.Second

func (t *target) stopProgress(h singleton.Holder) string {
	s, err := t.state(h)
	if err != nil || s.Stop == nil {
		return "asked to stop"
	}
	text := fmt.Sprintf("stopping, %d steps done", len(s.Stop.Steps))
	if s.StatusText != "" {
		text += ", " + s.StatusText
	}
	return text
}

// errStopped means that the holder ended while we waited for it.
var errStopped = errors.New("it ended before it had reloaded")

// reloadDirectly asks the holder to reload and returns the outcome of a reload
// that started after we asked.
func (a *app) reloadDirectly(cmd *cobra.Command, t *target, h singleton.Holder, wait bool) error {
	asked, err := proc.Monotonic()
	if err != nil {
		return err
	}
	if err := t.signal(h, "reload", syscall.SIGHUP); err != nil || !wait {
		return err
	}
	// It may have to become ready first.
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), a.limit(t.cfg.StartTimeout+t.cfg.ReloadTimeout), platform.ErrTimeout)
	defer cancel()
	return a.whileWaiting(cmd, func() string { return "reloading" }, func() error {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			if s, err := t.state(h); err == nil && s.Reloads.LastStart > asked {
				return outcome(t, s)
			}
			if alive, err := h.Alive(); err == nil && !alive {
				return fmt.Errorf("reload %q: %w%s", t.id, errStopped, t.ending(h))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("reload %q: no outcome: %w", t.id, context.Cause(ctx))
			}
		}
	})
}

// ending is why a holder that has ended did so, as far as it could tell.
func (t *target) ending(h singleton.Holder) string {
	last, err := recovery.Read(t.dirs.LastRunFile(t.id.String()))
	if err != nil || !last.Process.Same(h.Identity) {
		return ""
	}
	return ": " + last.Outcome()
}

func outcome(t *target, s service.State) error {
	if s.Reloads.LastError == "" {
		return nil
	}
	return fmt.Errorf("reload %q: %w: %s", t.id, platform.ErrRejected, s.Reloads.LastError)
}

// limit is how long to wait for something that is allowed to take d: what
// --timeout says, or d and the margin in which the service forces its own end.
func (a *app) limit(d time.Duration) time.Duration {
	if a.timeout > 0 {
		return a.timeout
	}
	return d + platform.StopMargin
}
