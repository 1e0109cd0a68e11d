package service

import (
	"slices"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// follows reports whether the phase to may follow from. Stopping is final, whatever was under
// way when the stop began.
func follows(from, to platform.Phase) bool {
	return slices.Contains(map[platform.Phase][]platform.Phase{
		platform.PhaseStarting:  {platform.PhaseReady, platform.PhaseStopping},
		platform.PhaseReady:     {platform.PhaseReloading, platform.PhaseStopping},
		platform.PhaseReloading: {platform.PhaseReady, platform.PhaseStopping},
	}[from], to)
}

// phases has the current phase of a life. It changes in this one place, for the state file and
// the manager alike.
type phases struct {
	mu  sync.Mutex
	now platform.Phase
}

// enter changes the phase together with the rest of the state, then tells the manager. It
// reports false, and changes nothing, if the phase cannot be entered. Once a stop is
// requested, only stopping can be entered. The phase is in the state file before the manager
// is told, except for reloading: it is written meanwhile, as only its end is waited for.
func (l *life) enter(to platform.Phase, change func(*State)) bool {
	l.phase.mu.Lock()
	if !follows(l.phase.now, to) || l.stopping.Err() != nil && to != platform.PhaseStopping {
		l.phase.mu.Unlock()
		return false
	}
	l.phase.now = to
	written := l.state.change(func(s *State) {
		s.Phase, s.PhaseSince = to, time.Now()
		change(s)
	})
	l.phase.mu.Unlock()

	if to != platform.PhaseReloading {
		_ = l.state.await(written) // the writer warns
	}
	l.phase.mu.Lock()
	defer l.phase.mu.Unlock()
	if l.phase.now == to { // otherwise the manager has been told of a later phase
		l.notify(l.notice(to))
	}
	return true
}
