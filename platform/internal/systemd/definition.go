package systemd

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// definition returns the definition that systemd has for the service according to its
// properties, or nil if there is none. A unit of ours that was removed while the service runs
// is still ours.
func (m *Manager) definition(ctx context.Context, id platform.ID, p properties) (*platform.Definition, error) {
	file, err := m.unitFile(id)
	if err != nil {
		return nil, err
	}
	d := &platform.Definition{Path: p["FragmentPath"], Own: own(id)}
	switch {
	case p.is("LoadState", "masked"):
		d.State = platform.DefinitionMasked
		if d.Path == "" {
			d.Path = unit(id)
		}
		return d, nil
	case d.Path == "" && !m.exists(file):
		return nil, nil //nolint:nilnil // there is none, which is not an error
	case d.Path == "": // systemd has not read it yet, or there is no systemd
		d.Path = file
	}
	content, err := m.sys.ReadFile(d.Path)
	d.Ours = err == nil && bytes.HasPrefix(content, []byte(mark)) || errors.Is(err, fs.ErrNotExist) && d.Path == file
	switch p["UnitFileState"] {
	case "static":
		d.State = platform.DefinitionStatic
	case "generated":
		d.State, d.Source = platform.DefinitionGenerated, p["SourcePath"]
		if d.Source != "" && !m.exists(d.Source) && !m.exists(file) && !p.running() {
			return nil, nil //nolint:nilnil // its source is gone, so systemd will drop it when it reloads
		}
	}
	// systemctl reports a linked unit that is also enabled as enabled.
	if to := room.Link(ctx, m.sys, file); to != "" {
		d.State, d.Source, d.Path = platform.DefinitionLinked, to, file
	}
	return d, nil
}

// own returns systemctl's command lines for a unit.
func own(id platform.ID) map[string]string {
	commands := map[string]string{}
	line := func(args ...string) string {
		argv := []string{"systemctl"}
		if id.Scope == platform.ScopeUser {
			argv = append(argv, "--user")
		}
		return strings.Join(append(append(argv, args...), unit(id)), " ")
	}
	for _, verb := range []string{"start", "stop", "restart", "reload", "status", "unmask", "disable"} {
		commands[verb] = line(verb)
	}
	commands["uninstall"] = line("disable", "--now") + ", and remove it"
	return commands
}

// edit returns the command with which an administrator makes changes.
func edit(scope platform.Scope, unit string) string {
	if scope == platform.ScopeUser {
		return "systemctl --user edit " + unit
	}
	return "systemctl edit " + unit
}

// dropIns returns the drop-ins of the unit.
func (m *Manager) dropIns(p properties) []platform.DropIn {
	var all []platform.DropIn
	for _, file := range strings.Fields(p["DropInPaths"]) {
		d := platform.DropIn{Path: file}
		if content, err := m.sys.ReadFile(file); err == nil {
			d.Keys = room.Keys(string(content))
		}
		all = append(all, d)
	}
	return all
}

// enabledBefore is the line after the mark in a unit that replaced an enabled one.
const enabledBefore = "# The one before it was enabled.\n"

// adopted adds that line to a unit.
func adopted(content []byte) []byte {
	first := bytes.IndexByte(content, '\n') + 1
	return slices.Insert(content, first, []byte(enabledBefore)...)
}

// wasEnabled reports whether a unit of ours replaced an enabled one.
func wasEnabled(content []byte) bool {
	_, rest, _ := bytes.Cut(content, []byte("\n"))
	return bytes.HasPrefix(rest, []byte(enabledBefore))
}
