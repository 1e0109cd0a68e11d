package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// report is all that can be found out about a service. Its JSON form is what
// `status --json` prints, and only grows.
type report struct {
	Name       string         `json:"name"`
	Version    string         `json:"version,omitempty"`
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since,omitzero"`
	Ready      bool           `json:"ready"`
	PID        int            `json:"pid"`
	StartedAt  *time.Time     `json:"started_at"`
	ReadyAt    *time.Time     `json:"ready_at,omitempty"`
	Uptime     float64        `json:"uptime_s"`
	Exe        string         `json:"exe"`
	User       string         `json:"user,omitempty"`
	StartedBy  string         `json:"started_by,omitempty"` // a manager, or "hand"

	Manager   string         `json:"manager"` // that keeps it, or would
	Scope     platform.Scope `json:"scope"`
	Installed bool           `json:"installed"`
	Enabled   bool           `json:"enabled"`

	Reloads    service.Reloads       `json:"reloads"`
	Restarts   int                   `json:"restarts"`
	LastExit   *platform.Exit        `json:"last_exit"`
	Stop       *service.StopProgress `json:"stop,omitempty"`
	Resources  *resources            `json:"resources"`
	StatusText string                `json:"status_text"`

	ConfigFile string   `json:"config_file,omitempty"`
	RuntimeDir string   `json:"runtime_dir"`
	StateDir   string   `json:"state_dir"`
	Notes      []string `json:"notes,omitempty"` // what somebody should look at

	lsb int
}

// LSB's answers of a status action.
const (
	lsbRunning = iota
	lsbDeadPIDFile
	lsbDeadStateLeft
	lsbStopped
	lsbUnknown
)

// examine asks the lock, the state file, the last-run record, the manager and
// the operating system, in this order of trust.
func (t *target) examine(ctx context.Context) report {
	r := report{
		Name: t.id.String(), Version: t.cfg.Version, Phase: platform.PhaseStopped, Scope: t.id.Scope,
		RuntimeDir: t.dirs.Runtime, StateDir: t.dirs.State, lsb: lsbStopped,
	}
	h, err := singleton.Probe(t.lock())
	switch {
	case err == nil:
		r.running(t, h)
	case errors.Is(err, singleton.ErrFree):
		r.dead(t)
	default:
		r.Phase, r.lsb = platform.PhaseUnknown, lsbUnknown
		r.note(err.Error())
	}
	r.askManager(ctx, t)
	if t.badFile != nil {
		r.note("the next start will fail: " + t.badFile.Error())
	}
	return r
}

func (r *report) note(text string) { r.Notes = append(r.Notes, text) }

func (r *report) running(t *target, h singleton.Holder) {
	r.lsb = lsbRunning
	r.Phase = platform.PhaseStarting // until its state file says more
	if !h.Known() {
		r.Phase = platform.PhaseUnknown
		r.note("it runs as " + heldBy(h))
		return
	}
	r.PID, r.Exe, r.User, r.StartedBy = h.PID, h.Exe, h.User(), h.StartedBy()
	r.StartedAt, r.PhaseSince = &h.Since, h.Since
	r.Uptime = time.Since(h.Since).Seconds()
	r.Resources = measure(h.PID)
	s, err := t.state(h)
	if err != nil {
		r.note(err.Error()) // for a moment of its start that is normal
		return
	}
	r.Phase, r.PhaseSince, r.Version = s.Phase, s.PhaseSince, cmp.Or(s.Version, r.Version)
	r.Ready = s.Phase == platform.PhaseReady || s.Phase == platform.PhaseReloading
	if !s.ReadyAt.IsZero() {
		r.ReadyAt = &s.ReadyAt
	}
	r.Reloads, r.Restarts, r.LastExit, r.Stop = s.Reloads, s.Restarts, s.LastExit, s.Stop
	r.StatusText, r.ConfigFile = s.StatusText, s.ConfigFile
}

func (r *report) dead(t *target) {
	if last, err := recovery.Read(t.dirs.LastRunFile(t.id.String())); err != nil {
		r.note(err.Error())
	} else {
		r.LastExit, r.Restarts = last.Ending(), last.Restarts
	}
	if r.LastExit != nil && !r.LastExit.Clean {
		r.Phase = platform.PhaseFailed
	}
	if _, err := os.Lstat(t.dirs.StateFile(t.id.String())); err == nil {
		r.lsb = lsbDeadStateLeft
	}
	if _, err := os.Lstat(t.lock().PIDFile()); err == nil {
		r.lsb = lsbDeadPIDFile
		r.note("it is dead" + t.leftover())
	}
	r.noteSupervisor(t)
}

func (r *report) askManager(ctx context.Context, t *target) {
	if t.manager == nil {
		return
	}
	st, err := t.manager.Status(ctx, t.id)
	r.Manager = t.manager.Name()
	if err != nil {
		r.note(err.Error())
		return
	}
	r.Installed, r.Enabled = st.Installed, st.Enabled
	if !st.Installed {
		return
	}
	r.Restarts = st.Restarts
	switch {
	case r.lsb == lsbRunning && r.PID != 0 && st.PID != r.PID:
		if st.Phase == platform.PhaseStopped || st.Phase == platform.PhaseFailed {
			r.note("it was not started by " + r.Manager + ", which has the service installed")
		}
	case r.lsb != lsbRunning && st.PID != 0:
		// It has not come as far as its lock, or we may not see that.
		r.PID, r.Phase, r.PhaseSince, r.StatusText, r.lsb = st.PID, st.Phase, st.Since, st.Text, lsbRunning
	case r.lsb != lsbRunning && r.lsb != lsbUnknown:
		if st.Phase == platform.PhaseFailed || st.Phase == platform.PhaseStarting {
			r.Phase = st.Phase // failed for good, or waiting to be restarted
		}
		// The kernel told the manager more than a process cut off could write.
		if st.LastExit != nil && (r.LastExit == nil || r.LastExit.Code < 0) {
			r.LastExit = st.LastExit
		}
	}
	if r.lsb == lsbUnknown && st.Phase == platform.PhaseReady {
		r.Phase, r.Ready, r.PID, r.lsb = st.Phase, true, st.PID, lsbRunning
	}
}
