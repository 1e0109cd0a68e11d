package initd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// definition returns the definition of a service, or nil if it has no script.
func (m Machine) definition(ctx context.Context, id platform.ID) (*platform.Definition, error) {
	if err := m.Dialect.checkID(id); err != nil {
		return nil, err
	}
	content, err := m.ReadFile(Path(id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // there is no script, which is not an error
	case err != nil:
		return nil, fmt.Errorf("%s: %w", m.Dialect.Kind, err)
	}
	_, second, _ := bytes.Cut(content, []byte("\n"))
	d := &platform.Definition{Path: Path(id), Ours: bytes.HasPrefix(second, []byte(mark)), Own: map[string]string{}}
	for _, verb := range []string{"start", "stop", "restart", "reload", "status"} {
		d.Own[verb] = strings.Join(m.Dialect.Action(id, verb), " ")
	}
	d.Own["uninstall"] = strings.Join(m.Dialect.Disable(id), " ") + ", and remove it"
	if to := room.Link(ctx, m, d.Path); to != "" {
		d.State, d.Source = platform.DefinitionLinked, to
		d.Own["disable"] = "rm " + d.Path
	}
	for _, file := range m.Dialect.Beside(id) {
		if content, err := m.ReadFile(file); err == nil {
			d.DropIns = append(d.DropIns, platform.DropIn{Path: file, Keys: room.Keys(string(content))})
		}
	}
	return d, nil
}

// Taken has what is needed to take over a script.
type Taken struct {
	// Stop has the steps that stop the service while its old script still exists.
	Stop []platform.Step
	// Levels are the runlevels in which it is started, in the form that Removal's enable
	// expects.
	Levels []string
}

// replace returns the steps that come before a script replaces another one, and the runlevels
// of the original script that holdfast did not make.
func (m Machine) replace(ctx context.Context, u platform.Unit, take func() (Taken, error)) (steps []platform.Step, levels []string, err error) {
	d, err := m.definition(ctx, u.ID)
	if err == nil {
		err = d.Replace(u.Adopt || u.Claim)
	}
	switch {
	case err != nil || d == nil:
		return nil, nil, err
	case d.Ours || u.Claim:
		levels, err = m.before(u.ID)
		return nil, levels, err
	}
	keep, err := room.Keep(m, d.Path)
	if err != nil {
		return nil, nil, err
	}
	old, err := take()
	return append(old.Stop, keep...), old.Levels, err
}

// startedBefore begins the third line of a script that has replaced another one which was
// started at boot.
const startedBefore = "# The one before it was started in: "

// noted inserts that line.
func noted(content []byte, levels []string) []byte {
	if len(levels) == 0 {
		return content
	}
	lines := slices.Collect(bytes.Lines(content))
	return bytes.Join(slices.Insert(lines, 2, []byte(startedBefore+strings.Join(levels, " ")+"\n")), nil)
}

// before returns the runlevels that are noted in the script of a service.
func (m Machine) before(id platform.ID) ([]string, error) {
	content, err := m.ReadFile(Path(id))
	if err != nil {
		return nil, err
	}
	lines := strings.SplitN(string(content), "\n", 4)
	if len(lines) < 4 || !strings.HasPrefix(lines[2], startedBefore) {
		return nil, nil
	}
	return strings.Fields(strings.TrimPrefix(lines[2], startedBefore)), nil
}
