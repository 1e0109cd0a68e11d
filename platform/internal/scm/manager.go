package scm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// Options are the options of a Manager.
type Options struct {
	// Dirs returns the default directories of a service.
	Dirs func(platform.ID) (Dirs, error)
	// Monotonic is the clock that a service uses for the times of its reloads.
	Monotonic func() (time.Duration, error)
	// State reads a state file. If it is nil, the file is read through the System, for tests.
	State func(path string) (state.State, error)
}

// A Manager manages services with the SCM. It has no state, and queries the machine each time.
type Manager struct {
	sys     platform.System // for the files that services write
	machine Machine
	o       Options
}

var _ platform.Manager = (*Manager)(nil)

// New returns a Manager for the services of a machine.
func New(sys platform.System, machine Machine, o Options) *Manager {
	if o.State == nil {
		o.State = state.By(sys)
	}
	return &Manager{sys: sys, machine: machine, o: o}
}

// Name returns "scm".
func (m *Manager) Name() string { return "scm" }

// query returns the status of id. Wine's SCM does not notice the end of a process that is
// starting or stopping. query then returns the status of a process that has crashed.
func (m *Manager) query(id platform.ID) (Status, error) {
	if err := checkID(id); err != nil {
		return Status{}, err
	}
	s, err := m.machine.Query(id.String())
	if err == nil && (s.State == StartPending || s.State == StopPending) && m.lost(s.PID) {
		// The process may have reported its end meanwhile.
		last := s
		if s, err = m.machine.Query(id.String()); s == last {
			s = Status{State: Stopped, Win32Exit: errProcessAborted}
		}
	}
	return s, explain(err, id.String())
}

// lost reports whether no process has that number.
func (m *Manager) lost(pid int) bool {
	p, err := m.machine.Process(pid)
	if err != nil {
		return pid != 0 && code(err) == errInvalidParameter
	}
	defer p.Close() //nolint:errcheck // a process handle
	ended, err := p.Ended()
	return err == nil && ended
}

// Status combines what the SCM and the service itself say. It needs no more rights than an
// ordinary user has.
func (m *Manager) Status(_ context.Context, id platform.ID) (platform.Status, error) {
	st := platform.Status{Manager: m.Name(), Phase: platform.PhaseUnknown}
	if id.Scope == platform.ScopeUser { // not supported, so none is installed
		st.Phase = platform.PhaseStopped
		return st, nil
	}
	s, err := m.query(id)
	if errors.Is(err, platform.ErrNotInstalled) {
		st.Phase = platform.PhaseStopped
		return st, nil
	}
	if err != nil {
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	r, d, err := m.definition(id)
	if err != nil {
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Definition, st.Installed, st.Enabled, st.PID = d, d != nil && d.Ours, r.Enabled, s.PID
	own, err := m.own(id, r, s.PID)
	if err != nil { // it has written nothing yet, or we may not read it
		own = state.State{}
	}
	if own.Keeper != 0 && s.State != Stopped { // the service runs as its child: see package installer/trial
		st.PID = own.Process.PID
	}
	switch s.State {
	case Stopped:
		st.LastExit = s.exit()
		st.Phase = platform.PhaseStopped
		if st.LastExit != nil && !st.LastExit.Clean {
			st.Phase, st.Next = platform.PhaseFailed, r.Recovery.next(s)
		}
		return st, nil
	case StartPending:
		st.Phase = platform.PhaseStarting
	case StopPending:
		st.Phase = platform.PhaseStopping
	case Running:
		st.Phase = platform.PhaseReady
		if own.Phase == platform.PhaseReloading || own.Phase == platform.PhaseStandby {
			st.Phase = own.Phase
		}
	}
	st.Text, st.Restarts = own.StatusText, own.Restarts
	if st.Phase == own.Phase {
		st.Since = own.PhaseSince
	}
	return st, nil
}

// Logs returns the command that shows the service's events in the Application log, the latest
// first. A negative n means all. It returns nil for follow, because Windows has no program for
// that.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string {
	if follow {
		return nil
	}
	argv := []string{
		"wevtutil", "query-events", "Application", "/format:text", "/reversedirection:true",
		"/query:*[System[Provider[@Name='" + id.String() + "']]]",
	}
	if n >= 0 {
		argv = append(argv, "/count:"+strconv.Itoa(n))
	}
	return argv
}

// failed adds operation and object to an error.
func (m *Manager) failed(ctx context.Context, verb string, id platform.ID, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.Is(err, platform.ErrTimeout) {
		err = fmt.Errorf("%w: %w", platform.ErrTimeout, err)
	}
	return fmt.Errorf("%s %q: %w", verb, id.String(), err)
}
