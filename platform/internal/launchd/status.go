package launchd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// own is the part of the service's state file that we read: it says what launchd
// cannot know.
type own struct {
	Process    struct{ PID int }
	Phase      platform.Phase
	PhaseSince time.Time `json:"phase_since"`
	StatusText string    `json:"status_text"`
	Reloads    struct {
		LastError string `json:"last_error"`
	}
}

// own reads what the process pid wrote about itself; the zero own if there is
// nothing, or somebody else wrote it.
func (m *Manager) own(id platform.ID, j job, pid int) own {
	runtime := j.Holdfast.RuntimeDir
	if runtime == "" {
		d, err := m.dirs(id)
		if err != nil {
			return own{}
		}
		runtime = d.Runtime
	}
	content, err := m.sys.ReadFile(stateFile(runtime, id))
	if err != nil {
		return own{}
	}
	var s own
	if err := json.Unmarshal(content, &s); err != nil || s.Process.PID != pid {
		return own{}
	}
	return s
}

// Status joins what launchd says with what the service says of itself. launchd
// forgets how a service ended when that is booted out.
func (m *Manager) Status(ctx context.Context, id platform.ID) (platform.Status, error) {
	st := platform.Status{Manager: m.Name(), Phase: platform.PhaseUnknown}
	j, _, _, err := m.definition(id)
	if err != nil && !errors.Is(err, platform.ErrNotInstalled) {
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	st.Installed = err == nil
	if j.Holdfast == nil {
		j.Holdfast = &note{}
	}
	p, domain, err := m.look(ctx, id)
	if err != nil {
		return st, m.failed(ctx, "status", id, err)
	}
	st.Installed = st.Installed || p != nil
	st.Enabled = st.Installed && !m.disabled(ctx, domain, id)
	st.PID, st.LastExit = p.pid(), p.exit()
	st.Restarts = max(0, p.number("runs")-1)
	switch {
	case p == nil:
		st.Phase = platform.PhaseStopped
	case st.PID == 0:
		st.Phase = resting(p, j)
	default:
		s := m.own(id, j, st.PID)
		st.Phase, st.Since, st.Text = cmp.Or(s.Phase, platform.PhaseStarting), s.PhaseSince, s.StatusText
		if p.leaving() {
			st.Phase = platform.PhaseStopping
		}
	}
	return st, nil
}

// resting is the phase of a service that is loaded and has no process.
func resting(p printed, j job) platform.Phase {
	switch e := p.exit(); {
	case e == nil: // about to be started for the first time
		return platform.PhaseStarting
	case e.Clean:
		return platform.PhaseStopped
	case j.KeepAlive != nil: // waiting to be restarted
		return platform.PhaseStarting
	}
	return platform.PhaseFailed
}
