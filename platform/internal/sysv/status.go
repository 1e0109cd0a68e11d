package sysv

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// ask runs the script's status action, which asks the program.
func (m *Manager) ask(ctx context.Context, id platform.ID) (initd.Report, error) {
	return m.machine.Ask(ctx, initd.Path(id), "status", "--json")
}

var _ platform.Inventory = (*Manager)(nil)

// Inventory returns what is known without the script, which would ask the program.
func (m *Manager) Inventory(ctx context.Context, id platform.ID) (platform.Status, error) {
	st := platform.Status{Manager: m.Name()}
	d, ours, err := m.machine.Installed(ctx, id)
	if err != nil {
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Definition, st.Installed, st.Enabled = d, ours, d != nil && enabled(m.found(ctx, id.String()))
	return st, nil
}

// Status combines the answer of the script with the links. It does not report a process that
// was started in another way; the program's own command line does.
func (m *Manager) Status(ctx context.Context, id platform.ID) (platform.Status, error) {
	st := platform.Status{Manager: m.Name(), Phase: platform.PhaseStopped}
	d, ours, err := m.machine.Installed(ctx, id)
	st.Definition = d
	if err == nil && !ours {
		st.Enabled = d != nil && enabled(m.found(ctx, id.String()))
		return st, nil
	}
	var r initd.Report
	if err == nil {
		r, err = m.ask(ctx, id)
	}
	if err != nil {
		st.Phase = platform.PhaseUnknown
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Installed, st.Enabled = true, enabled(m.found(ctx, id.String()))
	r.Fill(&st)
	return st, nil
}
