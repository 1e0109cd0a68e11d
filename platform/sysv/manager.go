package sysv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// Manager keeps services with init scripts. It holds no state: every answer is a
// new question to the machine.
type Manager struct{ sys platform.System }

var _ platform.Manager = (*Manager)(nil)

// New makes a Manager that reaches the machine through sys.
func New(sys platform.System) *Manager { return &Manager{sys: sys} }

// Name is "sysv".
func (m *Manager) Name() string { return "sysv" }

const scripts = "/etc/init.d"

func script(id platform.ID) string { return path.Join(scripts, id.String()) }

func (m *Manager) exists(file string) bool {
	_, err := m.sys.Stat(file)
	return err == nil
}

// ours reads the service's script. It tells whether there is one, and refuses
// one that holdfast did not make.
func (m *Manager) ours(id platform.ID) (installed bool, err error) {
	if err := checkID(id); err != nil {
		return false, err
	}
	content, err := m.sys.ReadFile(script(id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("init script: %w", err)
	}
	if _, second, _ := bytes.Cut(content, []byte("\n")); !bytes.HasPrefix(second, []byte(mark)) {
		return false, fmt.Errorf("%s is not a script of holdfast: remove it, or choose another name: %w", script(id), platform.ErrPermission)
	}
	return true, nil
}

// Plan writes the script and puts it into the runlevels. It refuses to replace a
// script that holdfast did not make, and, on a machine with init scripts, to
// require a service that is not there: what orders them would pass over both.
func (m *Manager) Plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	fail := func(err error) ([]platform.Step, error) {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	if _, err := m.ours(u.ID); err != nil {
		return fail(err)
	}
	content, err := Render(u)
	if err != nil {
		return nil, err
	}
	if err := m.checkRequired(u.Requires); err != nil {
		return fail(err)
	}
	write := platform.Step{Kind: platform.StepWriteFile, Describe: "the init script of the service", Path: script(u.ID), Mode: 0o755, Content: content}
	return append([]platform.Step{write}, m.enable(u.ID, m.found(ctx, u.ID))...), nil
}

func (m *Manager) checkRequired(names []string) error {
	if !m.exists(scripts) {
		return nil // a plan for another machine
	}
	var errs []error
	for _, name := range names {
		// What Render accepted has a facility.
		if f, err := facility(name); err == nil && !strings.HasPrefix(f, "$") && !m.exists(path.Join(scripts, f)) {
			errs = append(errs, fmt.Errorf("requires %q: there is no such service in %s: %w", name, scripts, platform.ErrBadUnit))
		}
	}
	return errors.Join(errs...)
}

// Removal stops the service, takes it out of the runlevels and removes its script
// and its runtime directory. What the service keeps stays: its state, logs and
// configuration.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	installed, err := m.ours(id)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	if !installed {
		return nil, nil
	}
	now, err := m.ask(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	var steps []platform.Step
	if !now.gone {
		stop := platform.Step{Kind: platform.StepRun, Describe: "stop the service", Argv: []string{script(id), "stop"}}
		if now.PID != 0 {
			stop.Undo = []string{script(id), "start"}
		}
		steps = append(steps, stop)
	}
	steps = append(steps, m.disable(id, m.found(ctx, id))...)
	return append(steps,
		platform.Step{Kind: platform.StepRemoveFile, Describe: "the init script of the service", Path: script(id)},
		platform.Step{Kind: platform.StepRemoveDir, Describe: "the service's files of this boot", Path: path.Join("/run", id.String())},
	), nil
}

// Logs shows what the service has printed, which is its log unless that goes to a
// file of its own or to syslog; n below 0 is the whole of it.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string {
	lines := "+1"
	if n >= 0 {
		lines = strconv.Itoa(n)
	}
	argv := []string{"tail", "-n", lines}
	if follow {
		argv = append(argv, "-F")
	}
	return append(argv, output(id))
}
