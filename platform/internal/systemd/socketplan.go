package systemd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// A socketPlan has the steps of an install that concern socket units.
type socketPlan struct {
	before []platform.Step // before any file is written
	files  []platform.Step
	enable []platform.Step // after systemd has read the files
}

// planSockets compares the socket units of u with those of the last install. systemd cannot
// change the socket of a unit that listens, nor take over one that the service has opened
// itself. In both cases the service is stopped first.
func (m *Manager) planSockets(ctx context.Context, u platform.Unit, dir string, now properties) (p socketPlan, err error) {
	units, err := RenderSockets(u)
	if err != nil {
		return p, err
	}
	old := m.sockets(u.ID)
	names := slices.Clone(old)
	for _, s := range units {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return p, nil
	}
	shown, err := m.showSockets(ctx, u.Scope, names)
	if err != nil { // the plan is for another machine
		shown = make([]properties, len(names))
	}
	state := func(name string) properties { return shown[slices.Index(names, name)] }
	moved := false
	for _, s := range units {
		file := path.Join(dir, s.Name)
		content, readErr := m.sys.ReadFile(file)
		switch {
		case errors.Is(readErr, fs.ErrNotExist):
			moved = true
		case readErr != nil:
			return p, readErr
		case bytes.HasPrefix(content, []byte(mark)):
			moved = moved || !sameSocket(content, s.Content)
		case u.Adopt || u.Claim:
			keep, err := room.Keep(m.sys, file)
			if err != nil {
				return p, err
			}
			p.before, moved = append(p.before, keep...), true
		default:
			return p, fmt.Errorf("%s %w: install --adopt takes it over; or choose another name: %w", file, platform.ErrForeign, platform.ErrPermission)
		}
		p.files = append(p.files, platform.Step{
			Kind: platform.StepWriteFile, Describe: "write the unit of a socket", Path: file, Mode: 0o644, Content: s.Content,
		})
		p.enable = append(p.enable, enableSocket(u.Scope, s.Name, state(s.Name)))
	}
	for _, name := range old {
		if slices.ContainsFunc(units, func(s SocketUnit) bool { return s.Name == name }) {
			continue
		}
		moved = true
		disable := platform.Step{Kind: platform.StepRun, Describe: "stop listening on a socket at boot", Argv: systemctl(u.Scope, "disable", name)}
		if state(name).enabled() {
			disable.Undo = systemctl(u.Scope, "enable", name)
		}
		p.before = append(p.before, disable)
		remove, _, err := room.PutBack(m.sys, "the unit of a socket", path.Join(dir, name), 0o644)
		if err != nil {
			return p, err
		}
		p.files = append(p.files, remove...)
	}
	if stop := m.stopMoved(u, names, shown, now); moved && stop != nil {
		p.before = append([]platform.Step{*stop}, p.before...)
	}
	return p, nil
}

// stopMoved returns the step that stops the service and its sockets, or nil if they are
// stopped.
func (m *Manager) stopMoved(u platform.Unit, names []string, shown []properties, now properties) *platform.Step {
	var active []string
	for i, p := range shown {
		if p.listens() {
			active = append(active, names[i])
		}
	}
	if now.running() {
		active = append(active, unit(u.ID))
	}
	if len(active) == 0 {
		return nil
	}
	return &platform.Step{
		Kind: platform.StepRun, Describe: "stop the service, because its sockets change: connections are refused until it runs again", Stops: true,
		Argv: systemctl(u.Scope, append([]string{"stop"}, active...)...), Undo: systemctl(u.Scope, append([]string{"start"}, active...)...),
	}
}

func enableSocket(scope platform.Scope, name string, now properties) platform.Step {
	step := platform.Step{
		Kind: platform.StepRun, Describe: "listen on the socket at boot",
		Argv: systemctl(scope, "enable", name), Undo: systemctl(scope, "disable", name),
	}
	if now.enabled() {
		step.Argv, step.Undo = systemctl(scope, "reenable", name), nil
	}
	return step
}
