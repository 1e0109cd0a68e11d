package sysv

import (
	"context"
	"errors"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// A Manager manages services with init scripts. It has no state, and queries the machine each
// time.
type Manager struct{ machine initd.Machine }

var _ platform.Manager = (*Manager)(nil)

// New returns a Manager for the machine sys.
func New(sys platform.System) *Manager {
	return &Manager{initd.Machine{System: sys, Dialect: dialect()}}
}

// Name returns "sysv".
func (m *Manager) Name() string { return m.machine.Dialect.Manager }

// Plan returns the steps that write the script and add it to the runlevels.
// platform.Definition decides about a script that holdfast did not make. On a machine with
// init scripts, Plan refuses a unit that requires a missing service.
func (m *Manager) Plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	return m.machine.Plan(ctx, u, Render, func() (initd.Taken, error) { return m.take(ctx, u.ID) }, func() ([]platform.Step, error) { return m.enable(ctx, u) })
}

// Warnings names the services of u that have no script on this machine.
func (m *Manager) Warnings(_ context.Context, u platform.Unit) []string { return m.machine.Warnings(u) }

// Removal returns the steps that stop the service, remove it from the runlevels, and remove
// its script and runtime directory. Its state, logs and configuration stay.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	return m.machine.Removal(ctx, id, func() ([]platform.Step, error) {
		now, err := m.ask(ctx, id)
		if err != nil {
			return nil, err
		}
		var steps []platform.Step
		if !now.Gone {
			stop := platform.Step{Kind: platform.StepRun, Describe: "stop the service", Argv: []string{initd.Path(id), "stop"}}
			if now.PID != 0 {
				stop.Undo = []string{initd.Path(id), "start"}
			}
			steps = append(steps, stop)
		}
		off, err := m.disable(ctx, id)
		return append(steps, off...), err
	}, func([]string) []platform.Step { return m.enableAgain(ctx, id) })
}

// take prepares the take-over of a script that holdfast did not make. The script's status
// action, if it has one, says whether the service runs, and the links say whether it starts at
// boot.
func (m *Manager) take(ctx context.Context, id platform.ID) (initd.Taken, error) {
	var t initd.Taken
	_, stopped := room.Ask(ctx, m.machine, initd.Path(id), "status")
	switch {
	case errors.Is(stopped, platform.ErrTimeout): // it may run, and would not be stopped
		return t, stopped
	case stopped == nil:
		t.Stop = []platform.Step{{
			Kind: platform.StepRun, Describe: "stop the running service with its own script", Stops: true,
			Argv: []string{initd.Path(id), "stop"}, Undo: []string{initd.Path(id), "start"},
		}}
	}
	links, err := m.find(ctx, id.String())
	if enabled(links) {
		t.Levels = []string{"runlevels"}
	}
	return t, err
}

// enableAgain is enable for a service that a removal has just disabled.
func (m *Manager) enableAgain(ctx context.Context, id platform.ID) []platform.Step {
	const why = "enable the previous service at boot again"
	if l := m.linker(id); l.program != "" {
		return []platform.Step{{Kind: platform.StepRun, Describe: why, Argv: l.add, Undo: l.remove}}
	}
	var steps []platform.Step
	for _, link := range m.found(ctx, id.String()) {
		steps = append(steps, platform.Step{Kind: platform.StepRun, Describe: why + ": " + link, Argv: symlink(id, link), Undo: []string{"rm", "-f", link}})
	}
	return steps
}

// Logs returns the command that shows what the service has printed. This is its log, unless
// the service logs to a file of its own or to syslog. A negative n means everything.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string { return initd.Logs(id, n, follow) }

var _ platform.LogFiler = (*Manager)(nil)

// LogFile returns the file with the output of the service.
func (m *Manager) LogFile(id platform.ID) string { return initd.Output(id) }
