package scm

import (
	"cmp"
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

// Plan makes the directories, registers the service and has the log know it. A
// service that runs keeps its old registration until it is restarted.
//
// What somebody else made is stopped and replaced as platform.Definition has it.
// Where there is no SCM (a plan for another machine) it takes for granted that
// there is none.
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
	// Users may read what `status` reads, and nothing else.
	steps = append(steps, step("the directory of the service and its configuration", dirs.Base, read, ""))
	if !m.exists(u.RuntimeDir) { // one that was named and is there is whoever's it is
		steps = append(steps, step("a directory of the service: who it is", cmp.Or(u.RuntimeDir, dirs.Runtime), modify, read))
	}
	if !m.exists(u.StateDir) {
		steps = append(steps, step("a directory of the service: what it keeps", cmp.Or(u.StateDir, dirs.State), modify, ""))
	}
	return append(steps,
		step("a directory of the service: its log", dirs.Logs, modify, ""),
		platform.Step{Kind: StepEventSource, Describe: "the Application log's entry for the service", Payload: EventSource{r.Name}},
		platform.Step{Kind: StepService, Describe: "the service, started " + when(r), Payload: r}), nil
}

var _ platform.Registry = (*Manager)(nil)

// Registered is the registration as the SCM has it. One that does not tell of
// recovery actions (Wine's) does not tell of the service's SID either: there they
// are taken for what s wants.
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
	return "when somebody asks for it"
}

func (m *Manager) exists(path string) bool {
	if path == "" {
		return false
	}
	_, err := m.sys.Stat(path)
	return err == nil
}

// dirs are those of id if its unit does not say otherwise.
func (m *Manager) dirs(id platform.ID) (Dirs, error) {
	if m.o.Dirs == nil {
		return Dirs{}, fmt.Errorf("its directories are not known: %w", platform.ErrBadUnit)
	}
	return m.o.Dirs(id)
}

// Removal stops the service, deletes it, and removes the log's entry for it and
// its runtime directory. What the service keeps stays: its state and its log. A
// registration that was there before is put back.
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
		// Also one that is stopped: the SCM may be about to start it again.
		{Kind: StepStopService, Describe: "stop the service and wait until it is gone", Payload: self},
		remove,
		{Kind: StepRemoveEventSource, Describe: "the Application log's entry for the service", Payload: EventSource{r.Name}},
	}
	runtime := r.Parameters[paramRuntime]
	if d, err := m.dirs(id); err == nil && runtime == d.Runtime { // one that was named is whoever's it is
		steps = append(steps, platform.Step{Kind: platform.StepRemoveDir, Describe: "remove the service's runtime directory", Path: runtime})
	}
	return steps, nil
}
