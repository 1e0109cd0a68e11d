package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Plan returns the steps that write the unit file, make systemd read it, and enable it.
// platform.Definition decides about a unit that holdfast did not make. A file at the same path
// is backed up. One in another directory, of a package or a generator, is hidden while the
// service is installed. If systemd does not answer, the plan is for another machine, and Plan
// assumes that no unit exists.
//
// The unit is for the version in u.Systemd.Version, or for this machine's systemd, or for any.
func (m *Manager) Plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	file, err := m.unitFile(u.ID)
	if err != nil {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	now, err := m.show(ctx, u.ID)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), context.Cause(ctx))
	case err != nil:
		now = properties{}
	}
	unseen := err
	keep, before, err := m.replace(ctx, u, file, now)
	if err == nil && unseen != nil && m.exists(file) {
		err = unseen // its present state could not be restored
	}
	if err != nil {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	version := u.Systemd.Version
	if version == 0 {
		version, err = m.version(ctx, now)
	}
	if err != nil && unseen == nil { // systemd runs here, so its version must be known
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	content, err := Render(u, version)
	if err != nil {
		return nil, err
	}
	if before {
		content = adopted(content)
	}
	sockets, err := m.planSockets(ctx, u, path.Dir(file), now)
	if err != nil {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	run := func(describe string, undo []string, args ...string) platform.Step {
		return platform.Step{Kind: platform.StepRun, Describe: describe, Argv: systemctl(u.Scope, args...), Undo: undo}
	}
	reload := systemctl(u.Scope, "daemon-reload")
	// Its undo runs last, when the old unit file has been restored.
	steps := []platform.Step{run("check that systemd answers", reload, "show", "--property=Version")}
	if dir := path.Dir(file); u.Scope == platform.ScopeUser && room.Absent(m.sys, dir) {
		steps = append(steps, platform.Step{Kind: platform.StepRun, Describe: "make the directory of the user's units", Argv: []string{"mkdir", "-p", dir}, Back: room.Drop(dir)})
	}
	for _, dir := range []string{u.RuntimeDir, u.StateDir} {
		if dir != "" && u.Scope == platform.ScopeSystem && room.Absent(m.sys, dir) {
			steps = append(steps, makeDirectory(dir, u))
		}
	}
	return slices.Concat(steps, sockets.before, keep, sockets.files, []platform.Step{
		{Kind: platform.StepWriteFile, Describe: "write the unit", Path: file, Mode: 0o644, Content: content},
		run("reload systemd", nil, "daemon-reload"),
		enable(u, now),
	}, sockets.enable), nil
}

// enable returns the step that decides whether the service starts at boot or login. With a
// manual start type, `systemctl enable` can still enable it later.
func enable(u platform.Unit, now properties) platform.Step {
	verb, describe, undo := "enable", "enable the service at boot or login", "disable"
	switch {
	case u.StartType == platform.StartManual:
		verb, describe, undo = "disable", "do not start the service at boot, only on request or on a connection", ""
		if now.enabled() {
			undo = "enable"
		}
	case now.enabled():
		verb, undo = "reenable", "" // its target may have changed
	}
	step := platform.Step{Kind: platform.StepRun, Describe: describe, Argv: systemctl(u.Scope, verb, unit(u.ID))}
	if undo != "" {
		step.Undo = systemctl(u.Scope, undo, unit(u.ID))
	}
	return step
}

// makeDirectory returns the step that makes a directory of the service which systemd does not
// make. With ProtectSystem=, a missing directory prevents the start.
func makeDirectory(dir string, u platform.Unit) platform.Step {
	argv := []string{"install", "-d", "-m", "0755"}
	if u.User != "" {
		argv = append(argv, "-o", u.User)
	}
	if u.Group != "" {
		argv = append(argv, "-g", u.Group)
	}
	return platform.Step{Kind: platform.StepRun, Describe: "make a directory of the service", Argv: append(argv, dir), Back: room.Drop(dir)}
}

// replace returns the steps that stop and back up a definition that holdfast did not make and
// that u replaces. enabled reports whether that definition, or the one that an earlier install
// replaced, was enabled.
func (m *Manager) replace(ctx context.Context, u platform.Unit, file string, now properties) (keep []platform.Step, enabled bool, err error) {
	d, err := m.definition(ctx, u.ID, now)
	if err == nil {
		err = d.Replace(u.Adopt || u.Claim)
	}
	switch {
	case err != nil || d == nil:
		return nil, false, err
	case d.Ours || u.Claim:
		content, err := m.sys.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, wasEnabled(content), err
	case d.Path == file:
		keep, err = room.Keep(m.sys, file)
	}
	if now.running() { // the process is not ours, and systemd would consider u started already
		stop := platform.Step{
			Kind: platform.StepRun, Describe: "stop the process of the previous unit", Stops: true,
			Argv: systemctl(u.Scope, "stop", unit(u.ID)), Undo: systemctl(u.Scope, "start", unit(u.ID)),
		}
		keep = append([]platform.Step{stop}, keep...)
	}
	return keep, now.enabled(), err
}

// newest is the latest systemd that matters to [Render]. It is also the first one whose units
// have the property sinceNewest, so later versions need not be asked for.
const (
	newest      = preserve
	sinceNewest = "RestartUSecNext"
)

// version returns the version of this machine's systemd, or newest if it is later, or 0 if it
// is unknown. now has the properties of a unit, which may not exist.
func (m *Manager) version(ctx context.Context, now properties) (int, error) {
	if now[sinceNewest] != "" {
		return newest, nil
	}
	out, err := room.Ask(ctx, m.sys, "systemctl", "--version")
	if err != nil {
		return 0, err
	}
	return parseVersion(out), nil
}

// parseVersion parses "systemd 257 (257.13-1~deb13u1)".
func parseVersion(out string) int {
	fields := strings.Fields(out)
	if len(fields) < 2 || fields[0] != "systemd" {
		return 0
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil || n < 0 {
		return 0
	}
	return n
}
