package sysv

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// Manager keeps services with init scripts. It holds no state: every answer is a
// new question to the machine.
type Manager struct{ machine initd.Machine }

var _ platform.Manager = (*Manager)(nil)

// New makes a Manager that reaches the machine through sys.
func New(sys platform.System) *Manager {
	return &Manager{initd.Machine{System: sys, Dialect: dialect()}}
}

// Name is "sysv".
func (m *Manager) Name() string { return m.machine.Dialect.Manager }

// Plan writes the script and puts it into the runlevels. It refuses to replace a
// script that holdfast did not make, and, on a machine with init scripts, to
// require a service that is not there.
func (m *Manager) Plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	return m.machine.Plan(u, Render, func() []platform.Step { return m.enable(ctx, u) })
}

// Removal stops the service, takes it out of the runlevels and removes its script
// and its runtime directory. What the service keeps stays: its state, logs and
// configuration.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	return m.machine.Removal(id, func() ([]platform.Step, error) {
		now, err := m.ask(ctx, id)
		if err != nil {
			return nil, err
		}
		var steps []platform.Step
		if !now.gone {
			stop := platform.Step{Kind: platform.StepRun, Describe: "stop the service", Argv: []string{initd.Path(id), "stop"}}
			if now.PID != 0 {
				stop.Undo = []string{initd.Path(id), "start"}
			}
			steps = append(steps, stop)
		}
		return append(steps, m.disable(ctx, id)...), nil
	})
}

// Logs shows what the service has printed, which is its log unless that goes to a
// file of its own or to syslog; n below 0 is the whole of it.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string { return initd.Logs(id, n, follow) }
