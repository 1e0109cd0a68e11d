package kardianos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// adoptee is a service by holdfast.
type adoptee struct {
	system  *system
	plain   service.Service // the library's own, for what is not ours
	program service.Interface
	config  *service.Config
	asking  chan struct{} // has room for one, who asks from inside for an end of the service
}

var _ service.Service = (*adoptee)(nil)

func (s *adoptee) String() string   { return s.plain.String() }
func (s *adoptee) Platform() string { return s.plain.Platform() }

func (s *adoptee) id() platform.ID {
	scope := platform.ScopeSystem
	if s.options().flag("UserService") && s.system.manager != "scm" { // as in the library
		scope = platform.ScopeUser
	}
	return platform.ID{Name: s.config.Name, Scope: scope}
}

func (s *adoptee) manager() (platform.Manager, error) { return native.Manager(s.system.manager) }

// Logger is the system's log or, for a person and where there is none, standard error.
//
// Under OpenRC it is standard error, as ever: the library takes a process below
// supervise-daemon for one that a person has started.
func (s *adoptee) Logger(errs chan<- error) (service.Logger, error) {
	if s.system.Interactive() || s.system.starter == "openrc" {
		return service.ConsoleLogger, nil
	}
	l, err := s.SystemLogger(errs)
	if err != nil {
		return service.ConsoleLogger, nil //nolint:nilerr // no syslog runs, and a program that logs elsewhere is better than none
	}
	return l, nil
}

func (s *adoptee) SystemLogger(errs chan<- error) (service.Logger, error) {
	return s.plain.SystemLogger(errs)
}

// ask is where the service stands, of which what is not ours is left to the library.
func (s *adoptee) ask() (st platform.Status, ours bool, err error) {
	m, err := s.manager()
	if err != nil {
		return st, false, err
	}
	if i, ok := m.(platform.Inventory); ok { // a script of somebody else's is not asked
		st, err = i.Inventory(context.Background(), s.id())
		if err != nil || st.Definition == nil || !st.Definition.Ours {
			return st, false, err
		}
	}
	st, err = m.Status(context.Background(), s.id())
	return st, st.Definition != nil && st.Definition.Ours, err
}

// errFailed is the library's, of which there is no name.
var errFailed = errors.New("service in failed state")

// Status keeps its meaning: what starts runs already, what has failed is unknown, with an error.
func (s *adoptee) Status() (service.Status, error) {
	st, ours, err := s.ask()
	switch {
	case err != nil:
		return service.StatusUnknown, err
	case st.Definition == nil:
		return service.StatusUnknown, service.ErrNotInstalled
	case !ours:
		return s.plain.Status()
	}
	switch st.Phase {
	case platform.PhaseStarting, platform.PhaseReady, platform.PhaseReloading:
		return service.StatusRunning, nil
	case platform.PhaseStopping:
		if s.system.manager == "scm" { // StopPending
			return service.StatusStopped, nil
		}
		return service.StatusRunning, nil
	case platform.PhaseStopped:
		return service.StatusStopped, nil
	case platform.PhaseFailed:
		if st.Next != nil { // about to be started again
			return service.StatusRunning, nil
		}
		if s.system.manager == "systemd" {
			return service.StatusUnknown, errFailed
		}
		return service.StatusStopped, nil // as these systems have it
	}
	return service.StatusUnknown, fmt.Errorf("status %q: %s does not say", s.config.Name, s.system.manager)
}

// Start returns when the service is ready.
func (s *adoptee) Start() error {
	return s.control(s.plain.Start, func(m platform.Manager) error { return s.unlessItFails(m, m.Start) })
}

// Stop returns when the service is gone; called by the service itself, at once.
func (s *adoptee) Stop() error {
	if s.isItself() {
		return s.leave("stop")
	}
	return s.control(s.plain.Stop, s.stopBy)
}

func (s *adoptee) stopBy(m platform.Manager) error {
	ctx, cancel := s.inTime(context.Background())
	defer cancel()
	return m.Stop(ctx, s.id())
}

// inTime has a stop be given up where the manager hangs. It may have to wait for a start that
// goes on.
func (s *adoptee) inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	c, _ := s.settings()
	return context.WithTimeoutCause(ctx, c.StartTimeout+c.StopTimeout+platform.StopMargin, platform.ErrTimeout)
}

// Restart returns when the service is ready again; called by the service itself, at once.
func (s *adoptee) Restart() error {
	if s.isItself() {
		return s.leave("restart")
	}
	return s.control(s.plain.Restart, func(m platform.Manager) error { return s.unlessItFails(m, m.Restart) })
}

// failedEvery is how often a start that goes on is looked at.
const failedEvery = 500 * time.Millisecond

// unlessItFails has a manager start the service. One that starts again what fails does so
// for as long as it likes, and a start ends with the first failure all the same.
func (s *adoptee) unlessItFails(m platform.Manager, start func(context.Context, platform.ID) error) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- start(ctx, s.id()) }()
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(failedEvery):
		}
		st, err := m.Status(ctx, s.id())
		if err == nil && st.PID == 0 && st.Next != nil && st.LastExit != nil {
			cancel(fmt.Errorf("it failed (%s), and is started again later", st.LastExit.Words()))
			return <-done
		}
	}
}

// control has the manager do something or, by what is not ours, the library.
func (s *adoptee) control(plain func() error, ours func(platform.Manager) error) error {
	m, err := s.manager()
	if err != nil {
		return err
	}
	d, err := s.definition(m)
	switch {
	case err != nil:
		return err
	case d != nil && !d.Ours && d.State != platform.DefinitionMasked:
		return plain()
	}
	if err := ours(m); err != nil {
		return inTerms(err)
	}
	return nil
}

// definition is what the manager has the service by; nil: nothing.
func (s *adoptee) definition(m platform.Manager) (*platform.Definition, error) {
	if i, ok := m.(platform.Inventory); ok {
		st, err := i.Inventory(context.Background(), s.id())
		return st.Definition, err
	}
	st, err := m.Status(context.Background(), s.id())
	return st.Definition, err
}

// inTerms has errors.Is know the library's own errors as well.
func inTerms(err error) error {
	if errors.Is(err, platform.ErrNotInstalled) {
		return fmt.Errorf("%w: %w", service.ErrNotInstalled, err)
	}
	return err
}

// executable is the program that the definition starts, as the library has it.
func (s *adoptee) executable() (string, error) {
	if s.config.Executable != "" {
		return absolute(s.config.Executable)
	}
	return os.Executable()
}
