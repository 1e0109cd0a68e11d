package kardianos

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// Render renders a template for a system service with that name.
func Render(name, manager, text, program string, c *service.Config) (string, error) {
	return fake(name, manager, c).render(text, program)
}

// Strange returns the warnings of an install and its refusals.
func Strange(name, manager string, c *service.Config) (warnings []string, refused []error) {
	_, t := fake(name, manager, c).settings()
	return t.strange, t.refused
}

// Plan returns the definition that an install would write on a machine with that manager.
func Plan(ctx context.Context, name, manager string, c *service.Config) (string, error) {
	s := fake(name, manager, c)
	config, t := s.settings()
	if err := errors.Join(t.refused...); err != nil {
		return "", err
	}
	program := "/opt/a b/feed"
	if manager == "scm" {
		program = `C:\opt\a b\feed.exe`
	}
	u, err := config.Unit(program, s.id().Scope)
	if err != nil {
		return "", err
	}
	m, err := native.ManagerOn(manager, empty{}, native.Login{Home: "/home/joe"})
	if err != nil {
		return "", err
	}
	steps, err := m.Plan(ctx, u)
	if err != nil {
		return "", err
	}
	if step := s.definitionOf(steps); step != nil {
		return string(step.Content), nil
	}
	text, err := json.Marshal(steps)
	return string(text), err
}

// empty is a machine without files and commands.
type empty struct{ platform.System }

func (empty) ReadFile(string) ([]byte, error)  { return nil, fs.ErrNotExist }
func (empty) Stat(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }
func (empty) Run(context.Context, ...string) (string, error) {
	return "", errors.New("there is nothing to run")
}

func fake(name, manager string, c *service.Config) *adoptee {
	return &adoptee{system: &system{System: named(name), manager: manager}, plain: nil, config: c, asking: make(chan struct{}, 1)}
}

// StopWhileAsked stops a service while a caller inside requests its end, until asked returns.
func StopWhileAsked(ctx context.Context, i service.Interface, cause error, asked func()) error {
	s := fake("linux-systemd", "systemd", &service.Config{Name: "feed"})
	s.program = i
	life, end := context.WithCancelCause(context.Background())
	end(cause)
	held := make(chan struct{})
	go func() {
		s.asking <- struct{}{}
		close(held)
		asked()
		<-s.asking
	}()
	<-held
	return (&guest{adoptee: s, life: life}).Stop(ctx)
}

// StopBy stops a service through a manager.
func StopBy(m platform.Manager, name, manager string, c *service.Config) error {
	return fake(name, manager, c).stopBy(m)
}

// Alone runs do as install and uninstall do.
func Alone(name, manager string, c *service.Config, do func(context.Context) error) error {
	return fake(name, manager, c).alone("install", func(ctx context.Context, _ string) error { return do(ctx) })
}

type named string

func (n named) String() string  { return string(n) }
func (named) Detect() bool      { return true }
func (named) Interactive() bool { return true }
func (n named) New(service.Interface, *service.Config) (service.Service, error) {
	return nil, nil
}

var (
	Difference = difference
	Present    = present
	Kinds      = kinds
	Starts     = starts
)

// Names reports whether a definition that is not ours starts program.
func Names(d *platform.Definition, program string) bool { return fake("", "", nil).names(d, program) }

// ScriptOf returns the option that contains a template for the system with that name.
func ScriptOf(system string) string { return scripts[system] }

// Executable returns the program that a definition starts.
func Executable(c *service.Config) (string, error) { return fake("", "", c).executable() }

// Outputs are the files for what a service prints.
func Outputs(name, manager string, c *service.Config) (out, err string) {
	s := fake(name, manager, c)
	s.system.starter = manager
	return s.outputs()
}

// HasManager reports whether holdfast has a manager for the system with that name.
func HasManager(system string) bool { return managers[system] != "" }
