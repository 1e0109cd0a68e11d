package scm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// queryEvery is the time between two queries of the SCM.
const queryEvery = 50 * time.Millisecond

// lockedWithin limits the wait for the SCM's database, which is locked while another service is
// being started. Each of these starts may take the 30 s that its process has to connect.
const lockedWithin = 5 * time.Minute

// Start lets the SCM start the service and waits until it is ready: RUNNING. If it ends before
// that, the error says with which exit code.
func (m *Manager) Start(ctx context.Context, id platform.ID) error {
	err := m.refuse("start", id)
	if err == nil {
		err = m.start(ctx, id)
	}
	return m.failed(ctx, "start", id, err)
}

func (m *Manager) start(ctx context.Context, id platform.ID) error {
	s, err := m.query(id)
	if err == nil && s.State == StopPending {
		err = m.awaitEnd(ctx, id, s)
		s.State = Stopped
	}
	if err != nil {
		return err
	}
	if s.State == Stopped {
		err := patiently(ctx, lockedWithin, func() (bool, error) {
			err := m.machine.Start(id.String())
			return code(err) != errDatabaseLocked, err
		})
		if err != nil && code(err) != errAlreadyRunning {
			return explain(err, id.String())
		}
	}
	s, err = m.settled(ctx, id, StartPending)
	if err != nil {
		return fmt.Errorf("%w, and the SCM continues; %s", err, m.see(id))
	}
	if s.State == StopPending {
		if s, err = m.settled(ctx, id, StopPending); err != nil {
			return fmt.Errorf("it failed and does not end: %w; %s", err, m.see(id))
		}
	}
	switch s.State {
	case Running:
		return nil
	case Stopped:
		return m.ended(id, s)
	}
	return fmt.Errorf("it is %v, a state that services of holdfast never have", s.State)
}

// ended returns the error for a service that ended before it was ready.
func (m *Manager) ended(id platform.ID, s Status) error {
	failed := &platform.FailedError{How: "it ended", Log: m.Logs(id, 20, false)}
	switch e := s.exit(); {
	case e == nil:
	case e.Code == -1:
		failed.How = e.Words()
	case s.Win32Exit == 0:
		failed.How, failed.Code = e.Words()+"; the SCM does not try again", platform.ExitClass(e.Code)
	case s.Win32Exit == errServiceSpecific:
		failed.How, failed.Code = e.Words(), platform.ExitClass(e.Code)
	default:
		failed.How, failed.Code = fmt.Sprintf("error %d of Windows: %s", e.Code, e.Means), class(s.Win32Exit)
	}
	failed.How = "before it was ready: " + failed.How
	return failed
}

func (m *Manager) see(id platform.ID) string {
	return "see: " + strings.Join(m.Logs(id, 20, false), " ")
}

// Stop lets the SCM ask the service to stop, and waits until its process has ended. It
// succeeds if the service does not run. A service that is starting accepts no control, so Stop
// waits until it is ready, or gives up as Start would.
func (m *Manager) Stop(ctx context.Context, id platform.ID) error {
	err := m.refuse("stop", id)
	if err == nil {
		err = m.stop(ctx, id)
	}
	return m.failed(ctx, "stop", id, err)
}

func (m *Manager) stop(ctx context.Context, id platform.ID) error {
	s, err := m.query(id)
	if err == nil && s.State == StartPending {
		s, err = m.settled(ctx, id, StartPending)
	}
	if err != nil || s.State == Stopped {
		return err
	}
	return m.awaitEnd(ctx, id, s)
}

// awaitEnd asks a service in status s to stop, unless it is stopping already. It returns when
// the service is stopped and its process has ended; the SCM learns of STOPPED before that.
func (m *Manager) awaitEnd(ctx context.Context, id platform.ID, s Status) error {
	process, err := m.process(id, s)
	if err != nil {
		return err
	}
	if process != nil {
		defer process.Close() //nolint:errcheck // a process handle
	}
	if s.State != StopPending {
		if err := m.askToStop(id); err != nil {
			return err
		}
	}
	s, err = m.settled(ctx, id, StopPending)
	switch {
	case err != nil:
		return fmt.Errorf("it still stops: %w", err)
	case s.State != Stopped:
		return fmt.Errorf("it has been started again in the meantime (%v)", s.State)
	case process == nil:
		return nil
	}
	return gone(ctx, process)
}

// process opens the process of a service in status s. It returns nil if the process has ended
// or if we may not open it. Then the SCM's status has to be enough.
func (m *Manager) process(id platform.ID, s Status) (Process, error) {
	p, err := m.machine.Process(s.PID)
	if err != nil {
		if code(err) == errInvalidParameter || code(err) == errAccessDenied {
			return nil, nil
		}
		return nil, explain(err, id.String())
	}
	now, err := m.query(id)
	if err == nil && now.PID == s.PID { // the open process still is that of the service
		return p, nil
	}
	return nil, errors.Join(err, p.Close())
}

func (m *Manager) askToStop(id platform.ID) error {
	name := id.String()
	err := m.machine.Control(name, ControlStop)
	switch code(err) {
	case errNotActive:
		return nil
	case errCannotAccept: // it is stopping already: a ready service accepts the control
		if s, e := m.query(id); e == nil && (s.State == StopPending || s.State == Stopped) {
			return nil
		}
	case errDependentsRunning:
		if names, e := m.machine.Dependents(name); e == nil && len(names) > 0 {
			return fmt.Errorf("%w: stop them first: %s", err, strings.Join(names, ", "))
		}
	}
	return explain(err, name)
}

// gone waits for the end of the process of a stopped service.
func gone(ctx context.Context, p Process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, platform.StopMargin, platform.ErrTimeout)
	defer cancel()
	for {
		ended, err := p.Ended()
		if err != nil || ended {
			return err
		}
		if err := room.Pause(ctx, queryEvery/5); err != nil {
			return fmt.Errorf("the SCM reports it as stopped, but its process still runs: %w", err)
		}
	}
}

// Restart stops the service, waits until its process has ended, and starts it.
func (m *Manager) Restart(ctx context.Context, id platform.ID) error {
	err := m.refuse("restart", id)
	if err == nil {
		err = m.stop(ctx, id)
	}
	if err == nil {
		err = m.start(ctx, id)
	}
	return m.failed(ctx, "restart", id, err)
}

// slack is added to the time that a service has requested, and shortest is the minimum of that
// time. The SCM itself waits that long for the first report of a new process.
const (
	slack    = 5 * time.Second
	shortest = 30 * time.Second
)

// settled waits while the service is in the state pending. It gives up if neither the state
// nor the checkpoint changes for the time that the service has requested.
func (m *Manager) settled(ctx context.Context, id platform.ID, pending State) (Status, error) {
	last, moved := Status{}, time.Now()
	for {
		s, err := m.query(id)
		if err != nil || s.State != pending {
			return s, err
		}
		if s != last {
			last, moved = s, time.Now()
		}
		hint := max(shortest, time.Duration(s.WaitHint)*time.Millisecond) + slack
		if time.Since(moved) > hint {
			return s, fmt.Errorf("%v without progress for %v: %w", s.State, hint, platform.ErrTimeout)
		}
		if err := room.Pause(ctx, queryEvery); err != nil {
			return s, fmt.Errorf("%v: %w", s.State, err)
		}
	}
}

// errEnded means that the process ended while we waited for its reload.
var errEnded = errors.New("it ended before it reloaded")

// Reload sends PARAMCHANGE to the service through the SCM. It waits for the outcome of a
// reload that began later, which the service writes to its state file.
func (m *Manager) Reload(ctx context.Context, id platform.ID) error {
	err := m.refuse("reload", id)
	if err == nil {
		err = m.reload(ctx, id)
	}
	return m.failed(ctx, "reload", id, err)
}

func (m *Manager) reload(ctx context.Context, id platform.ID) error {
	s, err := m.query(id)
	if err == nil && s.State == StartPending {
		s, err = m.settled(ctx, id, StartPending)
	}
	switch {
	case err != nil:
		return err
	case s.State != Running:
		return fmt.Errorf("%v: %w", s.State, platform.ErrNotRunning)
	}
	r, err := m.machine.Config(id.String())
	if err != nil {
		return explain(err, id.String())
	}
	before, err := m.o.Monotonic()
	if err != nil {
		return err
	}
	if err := m.machine.Control(id.String(), ControlParamChange); err != nil {
		return explain(err, id.String())
	}
	limit := platform.Defaults().ReloadTimeout
	if ms, err := strconv.ParseUint(r.Parameters[paramReload], 10, 32); err == nil {
		limit = time.Duration(ms) * time.Millisecond
	}
	// A reload in progress ends first. It does not answer requests that were made after its
	// beginning.
	ctx, cancel := context.WithTimeoutCause(ctx, 2*limit+platform.StopMargin, platform.ErrTimeout)
	defer cancel()
	read := func() (state.State, error) { return m.own(id, r, s.PID) }
	return state.AwaitReload(ctx, before, read, func() error {
		if now, err := m.query(id); err != nil || now.PID != s.PID {
			return errors.Join(errEnded, err)
		}
		return nil
	})
}
