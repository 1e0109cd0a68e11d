package sysv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// codeUnknown is the exit code of the status action if the status is unknown.
const codeUnknown = 4

// A report has the relevant part of what the script's `status --json` prints.
type report struct {
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since"`
	PID        int            `json:"pid"`
	StartedBy  string         `json:"started_by"`
	Restarts   int            `json:"restarts"`
	LastExit   *platform.Exit `json:"last_exit"`
	StatusText string         `json:"status_text"`

	gone bool // the program is missing
}

// ask runs the script's status action, which asks the program.
func (m *Manager) ask(ctx context.Context, id platform.ID) (report, error) {
	out, err := m.machine.Run(ctx, initd.Path(id), "status", "--json")
	// The output says more than the exit code, which is that of the LSB.
	var command *platform.CommandError
	if err != nil && (!errors.As(err, &command) || command.Code < 0) {
		return report{}, err
	}
	var r report
	if e := json.Unmarshal([]byte(out), &r); e != nil {
		if command != nil && command.Code == codeUnknown && out == "" {
			return report{Phase: platform.PhaseUnknown, gone: true}, nil
		}
		return report{}, fmt.Errorf("answer of %s status: %w", initd.Path(id), errors.Join(e, err))
	}
	return r, nil
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
	var r report
	if err == nil {
		r, err = m.ask(ctx, id)
	}
	if err != nil {
		st.Phase = platform.PhaseUnknown
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Installed, st.Enabled = true, enabled(m.found(ctx, id.String()))
	if r.PID != 0 && r.StartedBy != m.Name() {
		return st, nil
	}
	st.Phase, st.Since, st.PID, st.Restarts = r.Phase, r.PhaseSince, r.PID, r.Restarts
	st.LastExit, st.Text = r.LastExit, r.StatusText
	return st, nil
}
