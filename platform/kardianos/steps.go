package kardianos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// taskOf returns the payload of a step, and decodes it if it comes from a file.
func (f fallback) taskOf(s platform.Step) (task, *external, error) {
	t, is := s.Payload.(task)
	if raw, lain := s.Payload.(json.RawMessage); lain {
		if err := json.Unmarshal(raw, &t); err != nil {
			return t, nil, fmt.Errorf("step %q: %w", s.Describe, err)
		}
	} else if !is {
		return t, nil, fmt.Errorf("step %q: %w", s.Describe, errors.ErrUnsupported)
	}
	m, ok := f.managers[t.Manager]
	if !ok {
		return t, nil, fmt.Errorf("step %q: manager %q: %w", s.Describe, t.Manager, platform.ErrUnsupported)
	}
	return t, m, nil
}

// Apply lets the library carry out the step. It succeeds if nothing is left to do.
func (f fallback) Apply(ctx context.Context, s platform.Step) error {
	t, m, err := f.taskOf(s)
	if err != nil {
		return err
	}
	switch id := t.ID.id(); t.Do {
	case "install":
		return m.install(ctx, t)
	case "uninstall":
		return m.uninstall(ctx, t)
	case "stop":
		return m.Stop(ctx, id)
	case "start":
		return m.Start(ctx, id)
	}
	return fmt.Errorf("step %q: %q: %w", s.Describe, t.Do, errors.ErrUnsupported)
}

// Inverse returns the steps that restore the present state.
func (f fallback) Inverse(ctx context.Context, s platform.Step) ([]platform.Step, error) {
	t, m, err := f.taskOf(s)
	if err != nil {
		return nil, err
	}
	id := t.ID.id()
	d, n, err := m.definition(id)
	if err != nil {
		return nil, err
	}
	back := task{Manager: t.Manager, ID: t.ID}
	switch {
	case t.Do == "start" || t.Do == "stop":
		st, err := m.Status(ctx, id)
		if err != nil || !st.Installed || t.Do == "start" || st.Phase == platform.PhaseStopped {
			return nil, err // a start only occurs as the inverse of a stop
		}
		back.Do = "start"
	case n != nil:
		back = n.Task
	case t.Do == "uninstall" || d != nil: // nothing to do, or not ours
		return nil, nil
	default:
		back.Do = "uninstall"
	}
	return []platform.Step{{Kind: platform.StepFallback, Describe: s.Describe, Payload: back}}, nil
}

// service returns the library's own service.
func (m *external) service(t task) (service.Service, error) {
	if m.library == nil {
		return nil, fmt.Errorf("%s: %w: this program was not compiled for it", m.Name(), platform.ErrUnsupported)
	}
	c := service.Config{Name: t.ID.id().String(), DisplayName: t.Describe, Description: t.About, WorkingDirectory: t.Dir, Option: service.KeyValue{}}
	if len(t.Exec) > 0 {
		c.Executable, c.Arguments = t.Exec[0], t.Exec[1:]
	}
	if t.Template != "" {
		c.Option[scripts[m.System]] = t.Template
	}
	return m.library.New(nil, &c)
}

// install lets the library install the service. The library refuses if anything exists, and
// leaves behind what it has written if it fails. So install removes that before and
// afterwards.
func (m *external) install(ctx context.Context, t task) error {
	if !m.permitted() {
		return platform.ErrPermission
	}
	s, err := m.service(t)
	if err != nil {
		return err
	}
	if err := m.clear(ctx, t.ID.id()); err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return errors.Join(fmt.Errorf("github.com/kardianos/service: %w", err), m.clear(ctx, t.ID.id()))
	}
	file := m.definitionPath(t.ID.id())
	content, err := m.sys.ReadFile(file)
	if err == nil {
		err = m.sys.WriteFile(file, content, fs.FileMode(m.Mode)) // durably
	}
	if err != nil {
		return err
	}
	return m.keep(t)
}

// keep records what was installed. The directory must exist.
func (m *external) keep(t task) error {
	record, err := m.record(t.ID.id())
	if err != nil {
		return err
	}
	content, err := json.MarshalIndent(note{Format: noteFormat, Task: t}, "", "  ")
	if err != nil {
		return err
	}
	return m.sys.WriteFile(record, append(content, '\n'), 0o644)
}

func (m *external) uninstall(ctx context.Context, t task) error {
	if !m.permitted() {
		return platform.ErrPermission
	}
	s, err := m.service(t)
	if err != nil {
		return err
	}
	if _, err := m.sys.Stat(m.definitionPath(t.ID.id())); err == nil {
		err = s.Uninstall()
		if e := m.clear(ctx, t.ID.id()); e != nil {
			return errors.Join(e, err) // clear has to do what the library could not
		}
	}
	return m.clear(ctx, t.ID.id())
}

// clear removes everything that the library may have made.
func (m *external) clear(ctx context.Context, id platform.ID) error {
	if m.Name() == "src" {
		_, _ = m.sys.Run(ctx, "rmssys", "-s", id.String()) // it may not exist
	}
	record, err := m.record(id)
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range slices.Concat([]string{record, m.Init.Definition}, m.Links) {
		if err := m.sys.Remove(forService(path, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// enabled reports whether the init starts the service at boot.
func (m *external) enabled(ctx context.Context, id platform.ID) bool {
	if m.Name() == "smf" {
		out, err := room.Ask(ctx, m.sys, "svcs", "-H", "-o", "state", "application/"+id.String())
		return err == nil && strings.TrimSpace(out) != "disabled"
	}
	for _, link := range m.Links {
		if !strings.HasPrefix(link[strings.LastIndexByte(link, '/')+1:], "S") {
			continue
		}
		if _, err := m.sys.Stat(forService(link, id)); err == nil {
			return true
		}
	}
	return len(m.Links) == 0
}
