package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Removal returns the steps that stop and disable the service, and remove its unit file and
// runtime directory. Its state and logs stay, and so do drop-ins of the administrator.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	file, err := m.unitFile(id)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	content, missing := m.sys.ReadFile(file)
	now, showErr := m.show(ctx, id)
	d, err := m.definition(ctx, id, now)
	if err == nil {
		err = d.Refuse("uninstall")
	}
	if err == nil && errors.Is(missing, fs.ErrNotExist) {
		return nil, nil
	}
	if err = errors.Join(err, showErr); err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	remove, _, err := room.PutBack(m.sys, "the unit", file, 0o644)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	sockets := m.sockets(id)
	known, enabled := []string{}, []string{}
	if now.enabled() {
		enabled = append(enabled, unit(id))
	}
	listening, _ := m.showSockets(ctx, id.Scope, sockets)
	for i, p := range listening {
		if !p.is("LoadState", "not-found") {
			known = append(known, sockets[i])
		}
		if p.enabled() {
			enabled = append(enabled, sockets[i])
		}
	}
	known = append(known, unit(id)) // the stop of the first is that of all: see RenderSockets
	run := func(describe string, args ...string) platform.Step {
		return platform.Step{Kind: platform.StepRun, Describe: describe, Argv: systemctl(id.Scope, args...)}
	}
	var steps []platform.Step
	if now.is("LoadState", "loaded") || now.running() { // otherwise stop fails, because there is no unit
		stop := run("stop the service", append([]string{"stop"}, known...)...)
		switch {
		case now.running():
			stop.Undo = systemctl(id.Scope, append([]string{"start"}, known...)...)
		case slices.ContainsFunc(listening, properties.listens):
			stop.Undo = systemctl(id.Scope, append([]string{"start"}, known[:len(known)-1]...)...)
		}
		steps = append(steps, stop)
	}
	for _, name := range sockets {
		removed, _, err := room.PutBack(m.sys, "the unit of a socket", path.Join(path.Dir(file), name), 0o644)
		if err != nil {
			return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
		}
		remove = append(removed, remove...)
	}
	disable := run("disable the service", append([]string{"disable"}, known...)...)
	disable.Undo = systemctl(id.Scope, "daemon-reload")
	if len(enabled) > 0 {
		disable.Undo = systemctl(id.Scope, append([]string{"enable"}, enabled...)...) // it also makes systemd reload its units
	}
	forget := run("reset the failed state", append([]string{"reset-failed"}, known...)...)
	forget.MayFail = true // it fails if there is nothing to reset
	steps = append(append(append(steps, disable), remove...), run("reload systemd", "daemon-reload"))
	if wasEnabled(content) {
		steps = append(steps, run("enable the previous service at boot or login again", "enable", unit(id)))
	}
	steps = append(steps, forget)
	if dir := m.runtimeDir(id); dir != "" {
		steps = append(steps, platform.Step{Kind: platform.StepRemoveDir, Describe: "remove the runtime directory", Path: dir})
	}
	if kept := m.kept(id); len(kept) > 0 {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "remove the service's empty directories", MayFail: true,
			Argv: append([]string{"rmdir", "--ignore-fail-on-non-empty"}, kept...),
		})
	}
	return steps, nil
}

// kept returns the directories that systemd made for the service and does not remove.
func (m *Manager) kept(id platform.ID) []string {
	if id.Scope == platform.ScopeUser {
		return nil
	}
	return slices.DeleteFunc([]string{"/var/lib/" + id.String(), "/var/log/" + id.String(), "/etc/" + id.String()},
		func(dir string) bool { return room.Absent(m.sys, dir) })
}
