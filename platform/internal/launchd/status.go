package launchd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// own reads the state file that process pid has written, which says what launchd cannot know.
// It returns the zero State if there is none, or if another process wrote it.
func (m *Manager) own(id platform.ID, j job, pid int) state.State {
	runtime := j.Holdfast.RuntimeDir
	if runtime == "" {
		d, err := m.dirs(id)
		if err != nil {
			return state.State{}
		}
		runtime = d.Runtime
	}
	s, err := m.o.State(path.Join(runtime, state.FileName(id.String())))
	if err != nil || s.Process.PID != pid {
		return state.State{}
	}
	return s
}

// Status combines what launchd and the service itself say. launchd forgets how a service ended
// when it is booted out.
func (m *Manager) Status(ctx context.Context, id platform.ID) (platform.Status, error) {
	st := platform.Status{Manager: m.Name(), Phase: platform.PhaseUnknown}
	j, _, _, err := m.definition(id)
	if err != nil && !errors.Is(err, platform.ErrNotInstalled) {
		return st, fmt.Errorf("status %q: %w", id.String(), err)
	}
	if j.Holdfast == nil {
		j.Holdfast = &note{}
	}
	p, domain, err := m.query(ctx, id)
	if err != nil {
		return st, m.failed(ctx, "status", id, err)
	}
	if st.Definition, err = m.whose(ctx, id, p, domain); err != nil {
		return st, m.failed(ctx, "status", id, err)
	}
	st.Installed = st.Definition != nil && st.Definition.Ours
	st.Enabled = st.Definition != nil && !m.disabled(ctx, domain, id)
	st.PID, st.LastExit = p.pid(), p.exit()
	st.Restarts = max(0, p.number("runs")-1)
	switch {
	case p == nil:
		st.Phase = platform.PhaseStopped
	case st.PID == 0:
		st.Phase = resting(p, j)
		if st.LastExit != nil && st.Phase == platform.PhaseStarting { // launchd counts from the last start, so this is the longest time after the end
			st.Next = &platform.NextTry{Delay: time.Duration(cmp.Or(j.ThrottleInterval, usualThrottle)) * time.Second}
		}
	default:
		s := m.own(id, j, st.PID)
		st.Phase, st.Since, st.Text = cmp.Or(s.Phase, platform.PhaseStarting), s.PhaseSince, s.StatusText
		if p.leaving() {
			st.Phase = platform.PhaseStopping
		}
	}
	return st, nil
}

// usualThrottle is the default of ThrottleInterval, in seconds: see launchd.plist(5).
const usualThrottle = 10

// resting returns the phase of a service that is loaded but has no process.
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
