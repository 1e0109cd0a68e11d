package openrc

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// Manager keeps services with OpenRC. It holds no state: every answer is a new
// question to the machine.
type Manager struct{ machine initd.Machine }

var _ platform.Manager = (*Manager)(nil)

// New makes a Manager that reaches the machine through sys.
func New(sys platform.System) *Manager {
	return &Manager{initd.Machine{System: sys, Dialect: dialect()}}
}

// Name is "openrc".
func (m *Manager) Name() string { return m.machine.Dialect.Manager }

// Plan writes the script and adds it to the runlevel "default", unless the
// administrator has put it into others. It refuses to replace a script that
// holdfast did not make, and, on a machine with OpenRC, to require a service
// that is not there.
func (m *Manager) Plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	take := func() (initd.Taken, error) { return m.take(ctx, u.ID) }
	return m.machine.Plan(ctx, u, Render, take, func() ([]platform.Step, error) {
		levels, err := m.find(ctx, u.ID)
		switch {
		case err != nil:
			return nil, err
		case u.StartType == platform.StartManual:
			return disable(u.ID, levels), nil
		case len(levels) > 0:
			return nil, nil
		}
		return []platform.Step{{
			Kind: platform.StepRun, Describe: "enable the service at boot",
			Argv: update("add", u.ID, "default"), Undo: []string{"rm", "-f", path.Join(runlevels, "default", u.ID.String())}, // rc-update fails if it is not there
		}}, nil
	})
}

// Warnings names the services of u that have no script on this machine, and the
// network, where a service needs it that nobody provides: OpenRC would not start it.
func (m *Manager) Warnings(ctx context.Context, u platform.Unit) []string {
	warnings := m.machine.Warnings(u)
	if u.NeedsNetwork && m.machine.Exists(runlevels) {
		// 1 is that nothing was found; whatever else it says, it does not know.
		_, err := m.machine.Run(ctx, "grep", "-rqE", `^[[:space:]]*provide[[:space:]](.*[[:space:]])?net([[:space:]]|$)`, initd.Scripts)
		if failed, ok := errors.AsType[*platform.CommandError](err); ok && failed.Code == 1 {
			warnings = append(warnings, "needs_network: no script provides net, and OpenRC does not start what needs it")
		}
	}
	return warnings
}

func update(verb string, id platform.ID, level string) []string {
	return []string{"rc-update", verb, id.String(), level}
}

// levels are the runlevels that the service is in; none where that cannot be told.
func (m *Manager) levels(ctx context.Context, id platform.ID) []string {
	levels, _ := m.find(ctx, id)
	return levels
}

// find is levels for those who are about to change them. No OpenRC is no reason to
// fail.
func (m *Manager) find(ctx context.Context, id platform.ID) ([]string, error) {
	// Names have no letter that means anything to find.
	out, err := m.machine.Run(ctx, "find", runlevels, "-name", id.String())
	if err != nil && m.machine.Exists(runlevels) {
		return nil, err
	}
	var levels []string
	for _, link := range strings.Fields(out) {
		levels = append(levels, path.Base(path.Dir(link)))
	}
	slices.Sort(levels)
	return levels, nil
}

// Removal stops the service, takes it out of its runlevels and removes its script
// and its runtime directory. What the service keeps stays: its state, logs and
// configuration.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	return m.machine.Removal(ctx, id, func() ([]platform.Step, error) {
		now, err := m.Status(ctx, id)
		if err != nil {
			return nil, err
		}
		stop := platform.Step{Kind: platform.StepStop, Describe: "stop the service"} // which waits for its turn
		if now.Phase == platform.PhaseReady {
			stop.Back = []platform.Step{{
				Kind: platform.StepStart, Describe: "start it again", Within: platform.Defaults().StartTimeout + platform.StopMargin,
			}}
		}
		levels, err := m.find(ctx, id)
		return append([]platform.Step{stop}, disable(id, levels)...), err
	}, func(levels []string) []platform.Step {
		var steps []platform.Step
		for _, level := range levels {
			steps = append(steps, platform.Step{
				Kind: platform.StepRun, Describe: "start what was there before in the runlevel " + level + ", as before",
				Argv: update("add", id, level), Undo: []string{"rm", "-f", path.Join(runlevels, level, id.String())},
			})
		}
		return steps
	})
}

// disable are the steps that take a service out of its runlevels.
func disable(id platform.ID, levels []string) []platform.Step {
	var steps []platform.Step
	for _, level := range levels {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "disable the service in the runlevel " + level,
			Argv: update("del", id, level), Undo: update("add", id, level),
		})
	}
	return steps
}

// take is for a script that somebody else made.
func (m *Manager) take(ctx context.Context, id platform.ID) (initd.Taken, error) {
	levels, err := m.find(ctx, id)
	t := initd.Taken{Levels: levels}
	if code, err := m.code(ctx, id); err == nil && code != codeStopped {
		t.Stop = []platform.Step{{
			Kind: platform.StepRun, Describe: "stop what runs, while its own script is there", Stops: phase(code) != platform.PhaseFailed,
			Argv: service(id, "stop"), Undo: service(id, "start"),
		}}
	}
	return t, err
}

// Logs shows what the service has printed, which is its log unless that goes to a
// file of its own or to syslog; n below 0 is the whole of it.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string { return initd.Logs(id, n, follow) }

var _ platform.LogFiler = (*Manager)(nil)

// LogFile is the file with what the service has printed.
func (m *Manager) LogFile(id platform.ID) string { return initd.Output(id) }
