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

// Options are what a Manager has to be told.
type Options struct {
	// Dirs are the directories that a service has if nobody says otherwise.
	Dirs func(platform.ID) (Dirs, error)
	// Monotonic is the clock by which a service dates its reloads.
	Monotonic func() (time.Duration, error)
	// State reads a state file. Nil: by the System, which tests have instead of files.
	State func(path string) (state.State, error)
}

// Manager keeps services with the SCM. It holds no state: every answer is a new
// question to the machine.
type Manager struct {
	sys     platform.System // for the files that services write
	machine Machine
	o       Options
}

var _ platform.Manager = (*Manager)(nil)

// New makes a Manager of the services of a machine.
func New(sys platform.System, machine Machine, o Options) *Manager {
	if o.State == nil {
		o.State = state.By(sys)
	}
	return &Manager{sys: sys, machine: machine, o: o}
}

// Name is "scm".
func (m *Manager) Name() string { return "scm" }

// query is the status of id. The SCM of Wine does not see the end of a process
// that is starting or stopping; ours is that of one that crashed then.
func (m *Manager) query(id platform.ID) (Status, error) {
	if err := checkID(id); err != nil {
		return Status{}, err
	}
	s, err := m.machine.Query(id.String())
	if err == nil && (s.State == StartPending || s.State == StopPending) && m.lost(s.PID) {
		// It may have reported its end before it was gone.
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
	defer p.Close() //nolint:errcheck // a handle on a process
	ended, err := p.Ended()
	return err == nil && ended
}

// Status joins what the SCM says with what the service says of itself. It asks
// for no more rights than a plain user has.
func (m *Manager) Status(_ context.Context, id platform.ID) (platform.Status, error) {
	st := platform.Status{Manager: m.Name(), Phase: platform.PhaseUnknown}
	if id.Scope == platform.ScopeUser { // there is no such thing, so none is installed
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
	if err != nil { // it has written nothing yet, or nothing that we may see
		own = state.State{}
	}
	if own.Keeper != 0 && s.State != Stopped { // the service proper is its child: see package installer/trial
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
		if own.Phase == platform.PhaseReloading {
			st.Phase = own.Phase
		}
	}
	st.Text, st.Restarts = own.StatusText, own.Restarts
	if st.Phase == own.Phase {
		st.Since = own.PhaseSince
	}
	return st, nil
}

// Logs shows the events that the service wrote to the Application log, the
// latest first; n below 0 is all of them. No program of Windows follows them.
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

// failed names operation and object.
func (m *Manager) failed(ctx context.Context, verb string, id platform.ID, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.Is(err, platform.ErrTimeout) {
		err = fmt.Errorf("%w: %w", platform.ErrTimeout, err)
	}
	return fmt.Errorf("%s %q: %w", verb, id.String(), err)
}
