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

// codeUnknown is status's answer when it cannot tell.
const codeUnknown = 4

// report is what the script's `status --json` prints, as far as it matters here.
type report struct {
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since"`
	PID        int            `json:"pid"`
	StartedBy  string         `json:"started_by"`
	Restarts   int            `json:"restarts"`
	LastExit   *platform.Exit `json:"last_exit"`
	StatusText string         `json:"status_text"`

	gone bool // the program is not there to be asked
}

// ask runs the script's status action, which asks the program.
func (m *Manager) ask(ctx context.Context, id platform.ID) (report, error) {
	out, err := m.machine.Run(ctx, initd.Path(id), "status", "--json")
	// Its exit code says in LSB's words what the answer says in more.
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

// Inventory is what there is without asking the script, which asks the program.
func (m *Manager) Inventory(ctx context.Context, id platform.ID) (platform.Status, error) {
	st := platform.Status{Manager: m.Name()}
	d, ours, err := m.machine.Installed(ctx, id)
	if err != nil {
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Definition, st.Installed, st.Enabled = d, ours, d != nil && enabled(m.found(ctx, id.String()))
	return st, nil
}

// Status is the answer of the script, and of the links that are there. A process
// that was started otherwise is none of ours: it is left to its own command line.
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
