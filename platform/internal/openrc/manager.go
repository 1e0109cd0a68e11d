package openrc

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// A Manager manages services with OpenRC. It has no state, and queries the machine each time.
type Manager struct{ machine initd.Machine }

var _ platform.Manager = (*Manager)(nil)

// New returns a Manager for the machine sys.
func New(sys platform.System) *Manager {
	return &Manager{initd.Machine{System: sys, Dialect: dialect()}}
}

// Name returns "openrc".
func (m *Manager) Name() string { return m.machine.Dialect.Manager }

// Plan returns the steps that write the script and add it to the runlevel "default", unless
// the administrator has added it to others. platform.Definition decides about a script that
// holdfast did not make. On a machine with OpenRC, Plan refuses a unit that requires a missing
// service.
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
			Argv: update("add", u.ID, "default"), Undo: []string{"rm", "-f", path.Join(runlevels, "default", u.ID.String())}, // rc-update fails if the link does not exist
		}}, nil
	})
}

// Warnings names the services of u that have no script on this machine. It also warns if the
// service needs the network but no script provides it: OpenRC would not start the service.
func (m *Manager) Warnings(ctx context.Context, u platform.Unit) []string {
	warnings := m.machine.Warnings(u)
	if u.NeedsNetwork && m.machine.Exists(runlevels) {
		// Exit code 1 means that nothing was found. Any other failure says nothing.
		_, err := room.Ask(ctx, m.machine, "grep", "-rqE", `^[[:space:]]*provide[[:space:]](.*[[:space:]])?net([[:space:]]|$)`, initd.Scripts)
		if failed, ok := errors.AsType[*platform.CommandError](err); ok && failed.Code == 1 {
			warnings = append(warnings, "needs_network: no script provides net, and OpenRC does not start what needs it")
		}
	}
	return warnings
}

func update(verb string, id platform.ID, level string) []string {
	return []string{"rc-update", verb, id.String(), level}
}

// levels returns the runlevels that have the service. If they cannot be listed, it returns
// none.
func (m *Manager) levels(ctx context.Context, id platform.ID) []string {
	levels, _ := m.find(ctx, id)
	return levels
}

// find is levels for callers that change the runlevels, and need the error. A machine without
// OpenRC is not an error.
func (m *Manager) find(ctx context.Context, id platform.ID) ([]string, error) {
	// Names have no characters that are special to find.
	out, err := room.Ask(ctx, m.machine, "find", runlevels, "-name", id.String())
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

// Removal returns the steps that stop the service, remove it from its runlevels, and remove
// its script and runtime directory. Its state, logs and configuration stay.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	return m.machine.Removal(ctx, id, func() ([]platform.Step, error) {
		now, err := m.Status(ctx, id)
		if err != nil {
			return nil, err
		}
		stop := platform.Step{Kind: platform.StepStop, Describe: "stop the service"} // waits for its turn: see inTurn
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

// disable returns the steps that remove a service from its runlevels.
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

// take prepares the take-over of a script that holdfast did not make.
func (m *Manager) take(ctx context.Context, id platform.ID) (initd.Taken, error) {
	levels, err := m.find(ctx, id)
	t := initd.Taken{Levels: levels}
	code, unknown := m.code(ctx, id)
	switch {
	case errors.Is(unknown, platform.ErrTimeout): // it may run, and would not be stopped
		return t, unknown
	case unknown == nil && code != codeStopped:
		t.Stop = []platform.Step{{
			Kind: platform.StepRun, Describe: "stop the running service with its own script", Stops: phase(code) != platform.PhaseFailed,
			Argv: service(id, "stop"), Undo: service(id, "start"),
		}}
	}
	return t, err
}

// Logs returns the command that shows what the service has printed. This is its log, unless
// the service logs to a file of its own or to syslog. A negative n means everything.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string { return initd.Logs(id, n, follow) }

var _ platform.LogFiler = (*Manager)(nil)

// LogFile returns the file with the output of the service.
func (m *Manager) LogFile(id platform.ID) string { return initd.Output(id) }
