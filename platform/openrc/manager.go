package openrc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// Manager keeps services with OpenRC. It holds no state: every answer is a new
// question to the machine.
type Manager struct{ sys platform.System }

var _ platform.Manager = (*Manager)(nil)

// New makes a Manager that reaches the machine through sys.
func New(sys platform.System) *Manager { return &Manager{sys: sys} }

// Name is "openrc".
func (m *Manager) Name() string { return "openrc" }

const (
	scripts   = "/etc/init.d"
	runlevels = "/etc/runlevels"
	state     = "/run/openrc" // of the services of this boot
)

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
		return false, fmt.Errorf("service script: %w", err)
	}
	if _, second, _ := bytes.Cut(content, []byte("\n")); !bytes.HasPrefix(second, []byte(mark)) {
		return false, fmt.Errorf("%s is not a script of holdfast: remove it, or choose another name: %w", script(id), platform.ErrPermission)
	}
	return true, nil
}

// Plan writes the script and adds it to the runlevel "default", unless the
// administrator has put it into others. It refuses to replace a script that
// holdfast did not make, and, on a machine with OpenRC, to require a service
// that is not there.
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
	steps := []platform.Step{{Kind: platform.StepWriteFile, Describe: "the script of the service", Path: script(u.ID), Mode: 0o755, Content: content}}
	if len(m.levels(ctx, u.ID)) == 0 {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "start the service at boot",
			Argv: update("add", u.ID, "default"), Undo: update("del", u.ID, "default"),
		})
	}
	return steps, nil
}

func update(verb string, id platform.ID, level string) []string {
	return []string{"rc-update", verb, id.String(), level}
}

func (m *Manager) checkRequired(names []string) error {
	if !m.exists(runlevels) {
		return nil // a plan for another machine
	}
	var errs []error
	for _, name := range names {
		// What Render accepted is a name.
		if dep, err := dependency(name); err == nil && virtual(name) == "" && !m.exists(path.Join(scripts, dep)) {
			errs = append(errs, fmt.Errorf("requires %q: there is no such service in %s: %w", name, scripts, platform.ErrBadUnit))
		}
	}
	return errors.Join(errs...)
}

// levels are the runlevels that the service is in.
func (m *Manager) levels(ctx context.Context, id platform.ID) []string {
	// No OpenRC is no reason to fail; names have no letter that means anything to find.
	out, _ := m.sys.Run(ctx, "find", runlevels, "-name", id.String())
	var levels []string
	for _, link := range strings.Fields(out) {
		levels = append(levels, path.Base(path.Dir(link)))
	}
	slices.Sort(levels)
	return levels
}

// Removal stops the service, takes it out of its runlevels and removes its script
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
	now, err := m.Status(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	stop := platform.Step{Kind: platform.StepRun, Describe: "stop the service", Argv: service(id, "stop")}
	if now.Phase == platform.PhaseReady {
		stop.Undo = service(id, "start")
	}
	steps := []platform.Step{stop}
	for _, level := range m.levels(ctx, id) {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "do not start it any more in the runlevel " + level,
			Argv: update("del", id, level), Undo: update("add", id, level),
		})
	}
	return append(steps,
		platform.Step{Kind: platform.StepRemoveFile, Describe: "the script of the service", Path: script(id)},
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
