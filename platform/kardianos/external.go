package kardianos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/internal/foreign"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// external is one of the library's systems as a manager. It has no state, and queries the
// machine each time.
type external struct {
	foreign.Init
	sys     platform.System
	library service.System // nil: not on this machine
	record  func(platform.ID) (string, error)
	// permitted reports whether this process may change services.
	permitted func() bool
	// arguments returns the arguments of a process, or nil if it does not exist.
	arguments func(pid int) []string
}

var (
	_ platform.Manager  = (*external)(nil)
	_ platform.Lesser   = (*external)(nil)
	_ platform.Warner   = (*external)(nil)
	_ platform.Registry = (*external)(nil)
)

// A task is the payload of a step. It says what the library has to do.
type task struct {
	Do       string   `json:"do"` // "install", "uninstall", "stop", "start"
	Manager  string   `json:"manager"`
	ID       identity `json:"service"`
	Describe string   `json:"display_name,omitempty"`
	About    string   `json:"description,omitempty"`
	Exec     []string `json:"exec,omitempty"` // program and arguments
	Dir      string   `json:"directory,omitempty"`
	// Template is the definition that the library has to install unchanged instead of its own.
	// It is empty for the library's own.
	Template string `json:"template,omitempty"`
	// Reload and Await are commands of the program, which the library's definition cannot
	// contain.
	Reload []string `json:"reload,omitempty"`
	Await  []string `json:"await,omitempty"`
	// Patience is how long a stop may take before it is forced, in nanoseconds.
	Patience time.Duration `json:"stop_timeout_ns,omitempty"`
}

// An identity is a platform.ID as JSON.
type identity struct {
	Name     string         `json:"name"`
	Instance string         `json:"instance,omitempty"`
	Scope    platform.Scope `json:"scope"`
}

func (i identity) id() platform.ID { return platform.ID(i) }

// A note is stored for an installation, besides its manifest. It marks the installation as
// holdfast's.
type note struct {
	Format int  `json:"format"`
	Task   task `json:"task"`
}

const noteFormat = 1

// recordPath returns the path of the note of an installation. It cannot collide with the
// manifest of another service.
func recordPath(id platform.ID) (string, error) {
	manifest, err := native.ManifestFile(id)
	return strings.TrimSuffix(manifest, ".json") + ".fallback", err
}

// Name returns the name of the init: "rcs".
func (m *external) Name() string { return m.Init.Name }

// Missing returns sentences for people that say what the service lacks.
func (m *external) Missing(id platform.ID) []string {
	missing := m.Init.Missing()
	for i := range missing {
		missing[i] = forService(missing[i], id)
	}
	return missing
}

// Warnings returns what Missing says, unless the service is installed: then status shows it.
func (m *external) Warnings(_ context.Context, u platform.Unit) []string {
	if _, n, err := m.definition(u.ID); err != nil || n != nil {
		return nil
	}
	warnings := m.Missing(u.ID)
	for i := range warnings {
		warnings[i] = "missing on " + m.Name() + ": " + warnings[i]
	}
	return warnings
}

func forService(text string, id platform.ID) string {
	return strings.ReplaceAll(text, "NAME", id.String())
}

func (m *external) definitionPath(id platform.ID) string { return forService(m.Init.Definition, id) }

// Plan returns the step that lets the library install u in place of what it has installed
// before.
func (m *external) Plan(_ context.Context, u platform.Unit) ([]platform.Step, error) {
	fail := func(err error) ([]platform.Step, error) { return nil, fmt.Errorf("install %q: %w", u.ID, err) }
	if err := m.Check(u); err != nil {
		return fail(err)
	}
	u = u.WithDefaults()
	d, _, err := m.definition(u.ID)
	if err != nil {
		return fail(err)
	}
	if d != nil && !d.Ours {
		return fail(fmt.Errorf("%s %w: --adopt cannot take it over here: remove it first: %w", d.Path, platform.ErrForeign, platform.ErrPermission))
	}
	if err := m.ready(); err != nil {
		return fail(err)
	}
	t := task{
		Do: "install", Manager: m.Name(), ID: identity(u.ID), Describe: u.DisplayName, About: u.Description, Exec: u.Exec,
		Reload: u.Reload, Await: u.Commands.Await, Patience: u.StopTimeout + platform.StopMargin,
	}
	if m.Words() {
		t.Dir = u.WorkingDirectory
		if t.Dir == "" {
			t.Dir = "/"
		}
	}
	if m.Name() == "smf" {
		t.Template = manifest(t, u.StopTimeout)
	}
	return []platform.Step{{Kind: platform.StepFallback, Describe: fmt.Sprintf("let github.com/kardianos/service install it: %s", m.definitionPath(u.ID)), Payload: t}}, nil
}

// ready refuses a machine that would not start what the library installs.
func (m *external) ready() error {
	const dir = "/etc/rc.d"
	if m.Name() != "rcs" || m.library == nil {
		return nil
	}
	if _, err := m.sys.Stat("/etc/init.d/rcS"); err != nil {
		return nil //nolint:nilerr // the plan is for another machine
	}
	if _, err := m.sys.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the library has a service started by a link in %s, which does not exist: create it, and let /etc/init.d/rcS run %s/S* with \"start\": %w", dir, dir, platform.ErrBadUnit)
	}
	return nil
}

// Removal returns the steps that stop the service and let the library uninstall it.
func (m *external) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	fail := func(err error) ([]platform.Step, error) { return nil, fmt.Errorf("uninstall %q: %w", id, err) }
	st, err := m.Status(ctx, id)
	if err != nil {
		return fail(err)
	}
	if err := st.Definition.Refuse("uninstall"); err != nil {
		return fail(err)
	}
	if st.Definition == nil {
		return nil, nil
	}
	t := task{Manager: m.Name(), ID: identity(id)}
	var steps []platform.Step
	if st.Phase != platform.PhaseStopped {
		t.Do = "stop"
		steps = append(steps, platform.Step{Kind: platform.StepFallback, Describe: "stop the service", Payload: t})
	}
	t.Do = "uninstall"
	return append(steps,
		platform.Step{Kind: platform.StepFallback, Describe: "let github.com/kardianos/service uninstall it: " + m.definitionPath(id), Payload: t},
		platform.Step{Kind: platform.StepRemoveDir, Describe: "remove the runtime directory", Path: path.Join("/run", id.String())},
	), nil
}

// Registered returns the task of the last install.
func (m *external) Registered(_ context.Context, id platform.ID, s platform.Step) (any, bool) {
	if t, ok := s.Payload.(task); !ok || t.Do != "install" {
		return nil, false
	}
	d, n, err := m.definition(id)
	if err != nil || d == nil || n == nil {
		return nil, true
	}
	return n.Task, true
}

// definition returns the definition of the service, and its note if it is ours.
func (m *external) definition(id platform.ID) (*platform.Definition, *note, error) {
	if id.Scope == platform.ScopeUser { // not supported
		return nil, nil, nil
	}
	file := m.definitionPath(id)
	if _, err := m.sys.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	d := &platform.Definition{Path: file}
	record, err := m.record(id)
	if err != nil {
		return nil, nil, err
	}
	content, err := files.ReadTrusted(record, files.MaxRecord)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, nil, nil
	case err != nil:
		return nil, nil, err
	}
	var n note
	if err := files.DecodeJSON(content, &n); err != nil || n.Format != noteFormat {
		return nil, nil, fmt.Errorf("%s: %w: remove it, and %s, and install again", record, errors.Join(err, files.ErrMalformed), file)
	}
	d.Ours = n.Task.Manager == m.Name()
	if !d.Ours {
		return d, nil, nil
	}
	return d, &n, nil
}
