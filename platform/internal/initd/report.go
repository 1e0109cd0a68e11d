package initd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// A Report has the relevant part of what a script prints that asks the program for its status
// in JSON.
type Report struct {
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since"`
	PID        int            `json:"pid"`
	StartedBy  string         `json:"started_by"`
	Restarts   int            `json:"restarts"`
	LastExit   *platform.Exit `json:"last_exit"`
	StatusText string         `json:"status_text"`

	Gone bool `json:"-"` // the program is missing
}

// Exit codes of a script without its program: that of the LSB's status, and the shell's.
var codesGone = []int{4, 127}

// Ask runs argv, an action of a script that prints a Report.
func (m Machine) Ask(ctx context.Context, argv ...string) (Report, error) {
	out, err := room.Ask(ctx, m, argv...)
	// The output says more than the exit code, which is that of the LSB.
	var command *platform.CommandError
	if err != nil && (!errors.As(err, &command) || command.Code < 0) {
		return Report{}, err
	}
	var r Report
	if e := json.Unmarshal([]byte(out), &r); e != nil {
		if command != nil && out == "" && slices.Contains(codesGone, command.Code) {
			return Report{Phase: platform.PhaseUnknown, Gone: true}, nil
		}
		return Report{}, fmt.Errorf("answer of %s: %w", strings.Join(argv, " "), errors.Join(e, err))
	}
	return r, nil
}

// Fill sets what the program says of itself in st. It says nothing about a process that was
// started in another way; the program's own command line does.
func (r Report) Fill(st *platform.Status) {
	if r.PID != 0 && r.StartedBy != st.Manager {
		return
	}
	st.Phase, st.Since, st.PID, st.Restarts = r.Phase, r.PhaseSince, r.PID, r.Restarts
	st.LastExit, st.Text = r.LastExit, r.StatusText
}
