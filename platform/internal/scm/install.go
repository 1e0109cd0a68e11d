package scm

import (
	"cmp"
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

// Plan returns the steps that make the directories, register the service, and register it with
// the log. A running service keeps its old registration until it is restarted.
//
// platform.Definition decides about a service that holdfast did not make; if it is replaced,
// it is stopped first. Without an SCM the plan is for another machine, and Plan assumes that
// no such service exists.
func (m *Manager) Plan(_ context.Context, u platform.Unit) ([]platform.Step, error) {
	steps, err := m.plan(u)
	if err != nil {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	return steps, nil
}

func (m *Manager) plan(u platform.Unit) ([]platform.Step, error) {
	dirs, err := m.dirs(u.ID)
	if err != nil {
		return nil, err
	}
	r, err := Render(u, dirs)
	if err != nil {
		return nil, err
	}
	steps, err := m.replace(u, &r)
	if err != nil {
		return nil, err
	}
	step := func(what, path, service, users string) platform.Step {
		return platform.Step{Kind: StepDirectory, Describe: what, Path: path, Payload: Access{access(r.Name, service, users)}}
	}
	// Users may only read what `status` reads.
	steps = append(steps, step("the directory of the service and its configuration", dirs.Base, read, ""))
	if !m.exists(u.RuntimeDir) { // an existing directory from the configuration keeps its owner
		steps = append(steps, step("a directory of the service: its identity", cmp.Or(u.RuntimeDir, dirs.Runtime), modify, read))
	}
	if !m.exists(u.StateDir) {
		steps = append(steps, step("a directory of the service: its state", cmp.Or(u.StateDir, dirs.State), modify, ""))
	}
	return append(steps,
		step("a directory of the service: its log", dirs.Logs, modify, ""),
		platform.Step{Kind: StepEventSource, Describe: "the Application log's entry for the service", Payload: EventSource{r.Name}},
		platform.Step{Kind: StepService, Describe: "the service, started " + when(r), Payload: r}), nil
}

var _ platform.Registry = (*Manager)(nil)

// Registered returns the registration in the SCM. If that does not return recovery actions (as
// Wine's), it does not return the service's SID either; both are then assumed to be those of
// s.
func (m *Manager) Registered(_ context.Context, id platform.ID, s platform.Step) (payload any, definition bool) {
	if s.Kind != StepService {
		return nil, false
	}
	r, d, err := m.definition(id)
	if err != nil || d == nil {
		return nil, true
	}
	if want, ok := s.Payload.(Registration); ok && r.Recovery == nil {
		r.Recovery, r.OwnSID = want.Recovery, want.OwnSID
	}
	return r, true
}

func when(r Registration) string {
	switch {
	case r.Enabled:
		return "at boot"
	case r.Disabled:
		return "never"
	}
	return "on request"
}

func (m *Manager) exists(path string) bool {
	if path == "" {
		return false
	}
	_, err := m.sys.Stat(path)
	return err == nil
}

// dirs returns the default directories of id.
func (m *Manager) dirs(id platform.ID) (Dirs, error) {
	if m.o.Dirs == nil {
		return Dirs{}, fmt.Errorf("its directories are unknown: %w", platform.ErrBadUnit)
	}
	return m.o.Dirs(id)
}

// Removal returns the steps that stop the service, delete it, and remove its entry in the log
// and its runtime directory. Its state and log stay. A registration that it replaced is
// restored.
func (m *Manager) Removal(_ context.Context, id platform.ID) ([]platform.Step, error) {
	r, d, err := m.definition(id)
	if err == nil {
		err = d.Refuse("uninstall")
	}
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	if d == nil {
		return nil, nil
	}
	remove, err := removal(r)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	self := Registration{Name: r.Name}
	steps := []platform.Step{
		// Even if it is stopped: the SCM may be about to restart it.
		{Kind: StepStopService, Describe: "stop the service and wait until it is gone", Payload: self},
		remove,
		{Kind: StepRemoveEventSource, Describe: "the Application log's entry for the service", Payload: EventSource{r.Name}},
	}
	runtime := r.Parameters[paramRuntime]
	if d, err := m.dirs(id); err == nil && runtime == d.Runtime { // a directory from the configuration is not ours
		steps = append(steps, platform.Step{Kind: platform.StepRemoveDir, Describe: "remove the service's runtime directory", Path: runtime})
	}
	return steps, nil
}
