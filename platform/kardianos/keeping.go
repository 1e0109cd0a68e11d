package kardianos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// lookEvery is the time between two queries of the init. appearsFor limits the wait for the
// process after a start.
const (
	lookEvery  = 20 * time.Millisecond
	appearsFor = 30 * time.Second
)

func isRoot() bool { return os.Geteuid() == 0 }

// Start lets the init start the service, and returns when the program's own command reports
// that it is ready.
func (m *external) Start(ctx context.Context, id platform.ID) error {
	return m.act(ctx, "start", id, m.start)
}

// Stop returns when the service has ended and the init knows it. It succeeds if the service
// does not run.
func (m *external) Stop(ctx context.Context, id platform.ID) error {
	return m.act(ctx, "stop", id, m.stop)
}

// Restart is Stop, then Start.
func (m *external) Restart(ctx context.Context, id platform.ID) error {
	if err := m.Stop(ctx, id); err != nil {
		return err
	}
	return m.Start(ctx, id)
}

// Reload asks the service itself, and returns the outcome. None of these inits can do so.
func (m *external) Reload(ctx context.Context, id platform.ID) error {
	return m.act(ctx, "reload", id, func(ctx context.Context, n *note, _ service.Service) error {
		if pid, running := m.process(ctx, id, n); running && pid == 0 {
			return fmt.Errorf("the init does not say which process it is: %w", platform.ErrUnsupported)
		} else if !running {
			return platform.ErrNotRunning
		}
		_, err := m.sys.Run(ctx, n.Task.Reload...)
		if failed, ok := errors.AsType[*platform.CommandError](err); ok && failed.Code > 0 {
			return fmt.Errorf("%w: %s", platform.ErrRejected, strings.TrimSpace(failed.Stderr))
		}
		return err
	})
}

// act does something with an installed service of ours.
func (m *external) act(ctx context.Context, verb string, id platform.ID, do func(context.Context, *note, service.Service) error) error {
	fail := func(err error) error { return fmt.Errorf("%s %q: %w", verb, id, err) }
	d, n, err := m.definition(id)
	switch {
	case err != nil:
		return fail(err)
	case d == nil:
		return fail(platform.ErrNotInstalled)
	}
	if err := d.Refuse(verb); err != nil {
		return fail(err)
	}
	if verb != "reload" && !m.permitted() {
		return fail(platform.ErrPermission)
	}
	s, err := m.service(n.Task)
	if err == nil {
		err = do(ctx, n, s)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// aside runs a function that has no context. If it takes longer than ctx, it goes on in the
// background.
func aside(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("it goes on: %w", context.Cause(ctx))
	}
}

func (m *external) start(ctx context.Context, n *note, s service.Service) error {
	id := n.Task.ID.id()
	pid, running := m.process(ctx, id, n)
	if !running {
		if err := m.forget(id); err != nil {
			return err
		}
		if err := aside(ctx, s.Start); err != nil {
			return fmt.Errorf("%s: %w", m.Name(), err)
		}
		limited, cancel := context.WithTimeoutCause(ctx, appearsFor, fmt.Errorf("%w: %s started no process within %v, or the process ended at once", platform.ErrTimeout, m.Name(), appearsFor))
		defer cancel()
		for pid == 0 {
			if pid, _ = m.process(ctx, id, n); pid != 0 {
				break
			}
			if m.ended(id) {
				return &platform.FailedError{How: "it ended at once", Log: m.Logs(id, 20, false)}
			}
			if err := room.Pause(limited, lookEvery); err != nil {
				return err
			}
		}
	}
	if pid == 0 {
		return nil // it runs, but its PID is unknown
	}
	if _, err := m.sys.Run(ctx, append(slices.Clone(n.Task.Await), "--pid", strconv.Itoa(pid))...); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return nil
}

func (m *external) stop(ctx context.Context, n *note, s service.Service) error {
	id := n.Task.ID.id()
	pid, running := m.process(ctx, id, n)
	if !running {
		return nil
	}
	var who proc.Identity
	if pid != 0 {
		var err error
		if who, err = proc.Of(pid); err != nil && !errors.Is(err, proc.ErrGone) {
			return err
		}
	}
	if m.ByHand {
		if err := end(ctx, who, n.Task.Patience); err != nil {
			return err
		}
		if err := m.forget(id); err != nil {
			return err
		}
	}
	if err := aside(ctx, s.Stop); err != nil && (pid == 0 || !gone(who)) {
		return fmt.Errorf("%s: %w", m.Name(), err)
	}
	if pid == 0 {
		return nil
	}
	return who.WaitReaped(ctx)
}

// end asks a process to stop, and kills it if that takes longer than patience.
func end(ctx context.Context, who proc.Identity, patience time.Duration) error {
	if gone(who) {
		return nil
	}
	if err := who.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, patience, platform.ErrTimeout)
	defer cancel()
	err := who.WaitReaped(limited)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if err := who.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return who.WaitReaped(ctx)
}

// gone reports whether the process no longer exists.
func gone(who proc.Identity) bool {
	if who.PID == 0 {
		return true
	}
	alive, err := who.Alive()
	return err == nil && !alive
}

// forget removes the PID file of a process that is not the service. Otherwise rcS would take
// the process that has that number now for the service.
func (m *external) forget(id platform.ID) error {
	if m.Name() != "rcs" {
		return nil
	}
	if err := m.sys.Remove(forService(m.PIDFile, id)); err != nil && !room.Absent(m.sys, forService(m.PIDFile, id)) {
		return err
	}
	return nil
}

// ended reports whether the process that rcS has started has ended. Other inits may start
// another one.
func (m *external) ended(id platform.ID) bool {
	if m.Name() != "rcs" {
		return false
	}
	pid := m.pidIn(forService(m.PIDFile, id))
	return pid == 0 || m.arguments(pid) == nil
}

// Status returns what the init says. It only assumes that a running service is ready.
func (m *external) Status(ctx context.Context, id platform.ID) (platform.Status, error) {
	st := platform.Status{Manager: m.Name(), Phase: platform.PhaseStopped}
	d, n, err := m.definition(id)
	if err != nil {
		st.Phase = platform.PhaseUnknown
		return st, fmt.Errorf("status %q: %w", id, err)
	}
	if d == nil {
		return st, nil
	}
	st.Definition, st.Installed, st.Enabled = d, d.Ours, m.enabled(ctx, id)
	if n == nil {
		return st, nil
	}
	if pid, running := m.process(ctx, id, n); running {
		st.Phase, st.Assumed, st.PID = platform.PhaseReady, true, pid
	}
	return st, nil
}
