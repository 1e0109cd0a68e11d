package launchd

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Plan writes the property list and enables the service, which launchd then
// loads at the next boot or login. It does not bootstrap it: with KeepAlive that
// would start it, and whether to start it is for Start.
// A service that is loaded keeps its old definition until it is restarted.
//
// It refuses to replace what holdfast did not make. Where no launchctl answers
// (a plan for another machine) it takes for granted that there is none.
func (m *Manager) Plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	steps, err := m.plan(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	return steps, nil
}

func (m *Manager) plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	_, file, ours, err := m.definition(u.ID)
	switch {
	case err != nil && !errors.Is(err, platform.ErrNotInstalled):
		return nil, err
	case err == nil && !ours:
		return nil, fmt.Errorf("%s is not a property list of holdfast: remove it, or choose another name: %w", file, platform.ErrPermission)
	}
	p, domain, err := m.query(ctx, u.ID)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err == nil && p["path"] != "" && p["path"] != file:
		return nil, fmt.Errorf("launchd has a service of that name (%s): choose another name: %w", p["path"], platform.ErrPermission)
	case p == nil:
		domain = m.here(ctx, u.ID)
	}
	dirs, err := m.dirs(u.ID)
	if err != nil {
		return nil, err
	}
	content, err := Render(u, dirs)
	if err != nil {
		return nil, err
	}
	var steps []platform.Step
	if dir := path.Dir(file); u.Scope == platform.ScopeUser && !m.exists(dir) {
		steps = append(steps, platform.Step{Kind: platform.StepRun, Describe: "the directory of your agents", Argv: []string{"mkdir", "-p", dir}})
	}
	steps = append(steps, m.directories(u, dirs)...)
	enable := platform.Step{
		Kind: platform.StepRun, Describe: "start the service at boot or login",
		Argv: []string{"launchctl", "enable", target(domain, u.ID)},
	}
	if m.disabled(ctx, domain, u.ID) {
		enable.Undo = []string{"launchctl", "disable", target(domain, u.ID)}
	}
	return append(steps,
		// launchd refuses one that others than its owner can write to.
		platform.Step{Kind: platform.StepWriteFile, Describe: "the property list of the service", Path: file, Mode: 0o644, Content: content},
		enable), nil
}

// directories makes those that launchd does not make: the one of the log always,
// the service's own where it is not root and could not make them itself.
func (m *Manager) directories(u platform.Unit, d Dirs) []platform.Step {
	step := func(what, dir, mode string) platform.Step {
		argv := []string{"install", "-d", "-m", mode}
		if u.User != "" {
			argv = append(argv, "-o", u.User)
		}
		if u.Group != "" {
			argv = append(argv, "-g", u.Group)
		}
		return platform.Step{Kind: platform.StepRun, Describe: what, Argv: append(argv, dir)}
	}
	steps := []platform.Step{step("the directory of the log, which launchd opens before it starts the service", d.Logs, "0750")}
	for _, dir := range []struct{ given, usual string }{{u.StateDir, d.State}, {u.RuntimeDir, d.Runtime}} {
		switch {
		// One that was there before is whoever's it is.
		case dir.given != "" && u.Scope == platform.ScopeSystem && !m.exists(dir.given):
			steps = append(steps, step("a directory of the service", dir.given, "0755"))
		case dir.given == "" && u.User != "":
			steps = append(steps, step("a directory of the service", dir.usual, "0755"))
		}
	}
	return steps
}

// Removal boots the service out, waits until it is gone, takes back that somebody
// disabled it, and removes its property list and its runtime directory.
// What the service keeps stays: its state and its log.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	steps, err := m.removal(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	return steps, nil
}

func (m *Manager) removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	j, file, ours, err := m.definition(id)
	switch {
	case errors.Is(err, platform.ErrNotInstalled):
		return nil, nil
	case err != nil:
		return nil, err
	case !ours:
		return nil, fmt.Errorf("%s is not a property list of holdfast: %w", file, platform.ErrPermission)
	}
	p, domain, err := m.query(ctx, id)
	if err != nil {
		return nil, err
	}
	t := target(domain, id)
	var steps []platform.Step
	if p != nil {
		bootout := platform.Step{
			Kind: platform.StepRun, Describe: "stop the service", Argv: []string{"launchctl", "bootout", t},
			MayFail: true, // "in progress" is a failure to launchctl; the next step knows better
		}
		if p.pid() != 0 {
			bootout.Undo = []string{"launchctl", "bootstrap", domain, file}
		}
		steps = append(steps, bootout, platform.Step{
			Kind: platform.StepRun, Describe: "wait until it is gone", Argv: []string{"launchctl", "print", t},
			Until: codeNoService, Within: time.Duration(j.ExitTimeOut)*time.Second + platform.StopMargin,
		})
	}
	if m.disabled(ctx, domain, id) {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "have launchd forget that it was disabled",
			Argv: []string{"launchctl", "enable", t}, Undo: []string{"launchctl", "disable", t},
		})
	}
	steps = append(steps, platform.Step{Kind: platform.StepRemoveFile, Describe: "the property list of the service", Path: file})
	if d, err := m.dirs(id); err == nil {
		steps = append(steps, platform.Step{Kind: platform.StepRemoveDir, Describe: "the service's files of this boot", Path: d.Runtime})
	}
	return steps, nil
}
