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

// adoptee is a service of holdfast.
type adoptee struct {
	system  *system
	plain   service.Service // the library's own, for definitions that are not ours
	program service.Interface
	config  *service.Config
	asking  chan struct{} // has room for one caller inside the service who requests its end
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

// Logger returns the system's log. For a person, and if there is no such log, it is standard
// error.
//
// Under OpenRC it is standard error, as with the library, which takes a process below
// supervise-daemon for one that a person started.
func (s *adoptee) Logger(errs chan<- error) (service.Logger, error) {
	if s.system.Interactive() || s.system.starter == "openrc" {
		return service.ConsoleLogger, nil
	}
	l, err := s.SystemLogger(errs)
	if err != nil {
		return service.ConsoleLogger, nil //nolint:nilerr // no syslog runs; it is better to log elsewhere than not to run
	}
	return l, nil
}

func (s *adoptee) SystemLogger(errs chan<- error) (service.Logger, error) {
	return s.plain.SystemLogger(errs)
}

// ask returns the status of the service. ours is false for a definition that is left to the
// library.
func (s *adoptee) ask() (st platform.Status, ours bool, err error) {
	m, err := s.manager()
	if err != nil {
		return st, false, err
	}
	if i, ok := m.(platform.Inventory); ok { // do not run a script that is not ours
		st, err = i.Inventory(context.Background(), s.id())
		if err != nil || st.Definition == nil || !st.Definition.Ours {
			return st, false, err
		}
	}
	st, err = m.Status(context.Background(), s.id())
	return st, st.Definition != nil && st.Definition.Ours, err
}

// errFailed has the text of the library's error, which has no name.
var errFailed = errors.New("service in failed state")

// Status keeps its meaning in the library: a starting service is running, and a failed one is
// unknown, with an error.
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
	case platform.PhaseStarting, platform.PhaseStandby, platform.PhaseReady, platform.PhaseReloading:
		return service.StatusRunning, nil
	case platform.PhaseStopping:
		if s.system.manager == "scm" { // the library maps StopPending so
			return service.StatusStopped, nil
		}
		return service.StatusRunning, nil
	case platform.PhaseStopped:
		return service.StatusStopped, nil
	case platform.PhaseFailed:
		if st.Next != nil { // about to be restarted
			return service.StatusRunning, nil
		}
		if s.system.manager == "systemd" {
			return service.StatusUnknown, errFailed
		}
		return service.StatusStopped, nil // as the library does for these systems
	}
	return service.StatusUnknown, fmt.Errorf("status %q: %s does not say", s.config.Name, s.system.manager)
}

// Start returns when the service is ready.
func (s *adoptee) Start() error {
	return s.control(s.plain.Start, func(m platform.Manager) error { return s.unlessItFails(m, m.Start) })
}

// Stop returns when the service has ended. If the service itself calls it, it returns at once.
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

// inTime limits a stop in case the manager hangs. The stop may have to wait for a start in
// progress.
func (s *adoptee) inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	c, _ := s.settings()
	return context.WithTimeoutCause(ctx, c.StartTimeout+c.StopTimeout+platform.StopMargin, platform.ErrTimeout)
}

// Restart returns when the service is ready again. If the service itself calls it, it returns
// at once.
func (s *adoptee) Restart() error {
	if s.isItself() {
		return s.leave("restart")
	}
	return s.control(s.plain.Restart, func(m platform.Manager) error { return s.unlessItFails(m, m.Restart) })
}

// failedEvery is the time between two checks of a start in progress.
const failedEvery = 500 * time.Millisecond

// unlessItFails lets a manager start the service. A manager that restarts a failing service
// may do so for ever, but the start ends with the first failure.
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

// control lets the manager do something, or the library if the definition is not ours.
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

// definition returns the manager's definition of the service, or nil.
func (s *adoptee) definition(m platform.Manager) (*platform.Definition, error) {
	if i, ok := m.(platform.Inventory); ok {
		st, err := i.Inventory(context.Background(), s.id())
		return st.Definition, err
	}
	st, err := m.Status(context.Background(), s.id())
	return st.Definition, err
}

// inTerms adds the library's own errors, for errors.Is.
func inTerms(err error) error {
	if errors.Is(err, platform.ErrNotInstalled) {
		return fmt.Errorf("%w: %w", service.ErrNotInstalled, err)
	}
	return err
}

// executable returns the program that the definition starts, chosen as in the library.
func (s *adoptee) executable() (string, error) {
	if s.config.Executable != "" {
		return absolute(s.config.Executable)
	}
	return os.Executable()
}
