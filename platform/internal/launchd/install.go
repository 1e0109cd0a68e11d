package launchd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Plan returns the steps that write the property list and enable the service, so that launchd
// loads it at the next boot or login. They do not bootstrap it, because with KeepAlive that
// would start it. A loaded service keeps its old definition until it is restarted.
//
// platform.Definition decides about a property list that holdfast did not make. If launchctl
// does not answer, the plan is for another machine, and Plan assumes that none exists.
func (m *Manager) Plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	steps, err := m.plan(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	return steps, nil
}

func (m *Manager) plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	file, err := m.file(u.ID)
	if err != nil {
		return nil, err
	}
	p, domain, err := m.query(ctx, u.ID)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil: // the plan is for another machine
		p = nil
	}
	if p == nil {
		domain = m.here(ctx, u.ID)
	}
	unseen := err
	steps, before, err := m.replace(ctx, u, p, domain)
	if err != nil {
		return nil, err
	}
	if unseen != nil && m.exists(file) { // its present state could not be restored
		return nil, unseen
	}
	dirs, err := m.dirs(u.ID)
	if err != nil {
		return nil, err
	}
	content, err := Render(u, dirs)
	if err != nil {
		return nil, err
	}
	if before {
		if content, err = enabledBefore(content); err != nil {
			return nil, err
		}
	}
	if dir := path.Dir(file); u.Scope == platform.ScopeUser && room.Absent(m.sys, dir) {
		steps = append(steps, platform.Step{Kind: platform.StepRun, Describe: "make the directory of the user's agents", Argv: []string{"mkdir", "-p", dir}, Back: room.Drop(dir)})
	}
	steps = append(steps, m.directories(u, dirs)...)
	enable := platform.Step{
		Kind: platform.StepRun, Describe: "enable the service at boot or login",
		Argv: []string{"launchctl", "enable", target(domain, u.ID)},
	}
	if m.disabled(ctx, domain, u.ID) {
		enable.Undo = []string{"launchctl", "disable", target(domain, u.ID)}
	}
	return append(steps,
		// launchd refuses a file that others than its owner can write to.
		platform.Step{Kind: platform.StepWriteFile, Describe: "write the property list", Path: file, Mode: 0o644, Content: content},
		enable), nil
}

// directories returns the steps that make the directories which launchd does not make: that of
// the log, and the service's own if it does not run as root and so cannot make them.
func (m *Manager) directories(u platform.Unit, d Dirs) []platform.Step {
	step := func(what, dir, mode string) platform.Step {
		argv := []string{"install", "-d", "-m", mode}
		if u.User != "" {
			argv = append(argv, "-o", u.User)
		}
		if u.Group != "" {
			argv = append(argv, "-g", u.Group)
		}
		s := platform.Step{Kind: platform.StepRun, Describe: what, Argv: append(argv, dir)}
		if room.Absent(m.sys, dir) {
			s.Back = room.Drop(dir)
		}
		return s
	}
	steps := []platform.Step{step("the directory of the log, which launchd opens before it starts the service", d.Logs, "0750")}
	for _, dir := range []struct{ given, usual string }{{u.StateDir, d.State}, {u.RuntimeDir, d.Runtime}} {
		switch {
		// An existing directory keeps its owner.
		case dir.given != "" && u.Scope == platform.ScopeSystem && room.Absent(m.sys, dir.given):
			steps = append(steps, step("a directory of the service", dir.given, "0755"))
		case dir.given == "" && u.User != "":
			steps = append(steps, step("a directory of the service", dir.usual, "0755"))
		}
	}
	return steps
}

// Removal returns the steps that boot the service out, wait until it is gone, remove the mark
// of a `launchctl disable`, and remove its property list and runtime directory. Its state and
// log stay.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	steps, err := m.removal(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	return steps, nil
}

func (m *Manager) removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	j, file, _, err := m.definition(id)
	if err != nil && !errors.Is(err, platform.ErrNotInstalled) {
		return nil, err
	}
	missing := err != nil
	p, domain, err := m.query(ctx, id)
	if err != nil && missing {
		return nil, nil //nolint:nilerr // it is not installed
	}
	d, e := m.whose(ctx, id, p, domain)
	if e == nil {
		e = d.Refuse("uninstall")
	}
	if err = errors.Join(e, err); err != nil || missing {
		return nil, err
	}
	t := target(domain, id)
	var steps []platform.Step
	if p != nil {
		steps = m.bootedOut(id, domain, file, p, j, true)
	}
	if m.disabled(ctx, domain, id) {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "enable the service in launchd again",
			Argv: []string{"launchctl", "enable", t}, Undo: []string{"launchctl", "disable", t},
		})
	}
	remove, back, err := room.PutBack(m.sys, "the property list", file, 0o644)
	if err != nil {
		return nil, err
	}
	steps = append(steps, remove...)
	if back && !j.Holdfast.EnabledBefore {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "leave the previous service disabled, as it was",
			Argv: []string{"launchctl", "disable", t}, Undo: []string{"launchctl", "enable", t},
		})
	}
	if d, err := m.dirs(id); err == nil {
		steps = append(steps, platform.Step{Kind: platform.StepRemoveDir, Describe: "remove the runtime directory", Path: d.Runtime})
	}
	return steps, nil
}

// bootedOut returns the steps that stop a loaded service and wait until it is gone.
func (m *Manager) bootedOut(id platform.ID, domain, file string, p printed, j job, ours bool) []platform.Step {
	t := target(domain, id)
	bootout := platform.Step{
		Kind: platform.StepRun, Describe: "stop the service", Argv: []string{"launchctl", "bootout", t},
		MayFail: true, // launchctl fails if it is still in progress; the next step waits for the end
	}
	switch stop := cmp.Or(j.ExitTimeOut, int(platform.Defaults().StopTimeout/time.Second)); {
	case p.pid() == 0:
	case ours: // no single command can undo it: bootstrap returns EIO if it is loaded, being booted out, or just gone
		bootout.Back = []platform.Step{{
			Kind: platform.StepStart, Describe: "start it again", MayFail: true,
			Within: time.Duration(stop)*time.Second + platform.Defaults().StartTimeout + platform.StopMargin,
		}}
	default: // not ours, so we do not start it; bootstrap fails if it is loaded
		bootout.Back = []platform.Step{
			{Kind: platform.StepRun, Describe: "start it again", Argv: []string{"launchctl", "bootstrap", domain, file}, MayFail: true},
			{Kind: platform.StepRun, Describe: "it is loaded", Argv: []string{"launchctl", "print", t}},
		}
	}
	within := cmp.Or(j.ExitTimeOut, int(platform.Defaults().StopTimeout/time.Second))
	return []platform.Step{bootout, {
		Kind: platform.StepRun, Describe: "wait until it is gone", Argv: []string{"launchctl", "print", t},
		Until: codeNoService, Within: time.Duration(within)*time.Second + platform.StopMargin,
	}}
}
