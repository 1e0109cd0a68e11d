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

// How often the SCM is queried.
const queryEvery = 50 * time.Millisecond

// Start has the SCM start the service and waits until it is ready: RUNNING. An
// end before that is a failure, and the error tells the exit code.
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
		// Another service that is being started locks the database.
		err := patiently(ctx, func() (bool, error) {
			err := m.machine.Start(id.String())
			return code(err) != errDatabaseLocked, err
		})
		if err != nil && code(err) != errAlreadyRunning {
			return explain(err, id.String())
		}
	}
	s, err = m.settled(ctx, id, StartPending)
	if err != nil {
		return fmt.Errorf("%w, and the SCM goes on with it; %s", err, m.see(id))
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
	return fmt.Errorf("it is %v, which holdfast's services never are", s.State)
}

// ended says how the service ended before it was ready.
func (m *Manager) ended(id platform.ID, s Status) error {
	failed := &platform.FailedError{How: "it ended", Log: m.Logs(id, 20, false)}
	switch e := s.exit(); {
	case e == nil:
	case e.Code == -1:
		failed.How = e.Words()
	case s.Win32Exit == 0:
		failed.How, failed.Code = e.Words()+"; for good: the SCM does not try again", platform.ExitClass(e.Code)
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

// Stop has the SCM ask the service to stop and waits until its process is gone. What does
// not run is stopped. A service that is starting accepts no control: Stop waits
// until it is ready, or gives up on it as Start would.
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

// awaitEnd asks a service that was seen as s to stop, unless it does already, and returns
// when it is stopped and its process is gone: the SCM is told STOPPED before that.
func (m *Manager) awaitEnd(ctx context.Context, id platform.ID, s Status) error {
	process, err := m.process(id, s)
	if err != nil {
		return err
	}
	if process != nil {
		defer process.Close() //nolint:errcheck // a handle on a process
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
		return fmt.Errorf("it was started again meanwhile (%v)", s.State)
	case process == nil:
		return nil
	}
	return gone(ctx, process)
}

// process opens that of a service that was seen as s. It is nil if it is gone,
// or if we may not: then the SCM's word has to do.
func (m *Manager) process(id platform.ID, s Status) (Process, error) {
	p, err := m.machine.Process(s.PID)
	if err != nil {
		if code(err) == errInvalidParameter || code(err) == errAccessDenied {
			return nil, nil
		}
		return nil, explain(err, id.String())
	}
	now, err := m.query(id)
	if err == nil && now.PID == s.PID { // it was that one when we had it open
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
	case errCannotAccept: // it stops by itself: a service that is ready accepts it
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

// gone waits for the end of a process whose service is stopped.
func gone(ctx context.Context, p Process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, platform.StopMargin, platform.ErrTimeout)
	defer cancel()
	for {
		ended, err := p.Ended()
		if err != nil || ended {
			return err
		}
		if err := room.Pause(ctx, queryEvery/5); err != nil {
			return fmt.Errorf("the SCM has it stopped, but its process goes on: %w", err)
		}
	}
}

// Restart stops the service, waits until its process is gone, and starts it.
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

// Slack is what a service gets beyond the time that it has asked for, and
// shortest what it gets if it has asked for less: the SCM itself waits that long
// for a new process to report.
const (
	slack    = 5 * time.Second
	shortest = 30 * time.Second
)

// settled waits while the service is in the state pending. It gives up when
// neither its state nor its checkpoint has moved for the time that it asked for.
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
var errEnded = errors.New("it ended before it had reloaded")

// Reload has the SCM tell the service that its parameters have changed
// (PARAMCHANGE) and waits for the outcome of a reload that began afterwards, which
// the service writes to its state file.
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
	// A reload that runs already ends first, and answers nothing that was asked behind its beginning.
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
