package systemd

import (
	"bytes"
	"context"
	"path"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

var (
	_ platform.Catalogue = (*Manager)(nil)
	_ platform.Surveyor  = (*Manager)(nil)
)

// Definitions returns the pattern for the directory that install writes to.
func (m *Manager) Definitions(scope platform.Scope) (pattern, suffix string) {
	file, err := m.unitFile(platform.ID{Name: "x", Scope: scope})
	if err != nil {
		return "", ""
	}
	return path.Join(path.Dir(file), "*.service"), ".service"
}

// Made reports whether a unit file begins with our mark.
func (m *Manager) Made(content []byte) bool { return bytes.HasPrefix(content, []byte(mark)) }

// Unsettled runs one `systemctl list-units` that leaves out active and inactive units.
func (m *Manager) Unsettled(ctx context.Context, scope platform.Scope) (map[string]platform.Phase, error) {
	out, err := room.Ask(ctx, m.sys, systemctl(scope, "list-units", "--type=service", "--state=failed,activating,deactivating", "--plain", "--no-legend", "--full")...)
	if err != nil {
		return nil, err
	}
	all := map[string]platform.Phase{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line) // UNIT LOAD ACTIVE SUB DESCRIPTION
		if len(f) < 4 {
			continue
		}
		if name, ok := strings.CutSuffix(f[0], ".service"); ok {
			phase, _ := properties{"ActiveState": f[2]}.phase()
			all[name] = phase
		}
	}
	return all, nil
}
