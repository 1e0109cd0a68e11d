package service

import (
	"slices"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// follows reports whether the phase to may come after from. No way leads back
// from stopping, whatever was under way when the stop began.
func follows(from, to platform.Phase) bool {
	return slices.Contains(map[platform.Phase][]platform.Phase{
		platform.PhaseStarting:  {platform.PhaseReady, platform.PhaseStopping},
		platform.PhaseReady:     {platform.PhaseReloading, platform.PhaseStopping},
		platform.PhaseReloading: {platform.PhaseReady, platform.PhaseStopping},
	}[from], to)
}

// phases is where a life stands: the one place where its phase changes, for the
// state file and for the manager alike.
type phases struct {
	mu  sync.Mutex
	now platform.Phase
}

// enter goes on to a phase together with what else changes in the state, then
// tells the manager, and reports whether the phase could be entered: if not,
// nothing changes. Once a stop is asked for only stopping can be. The state file
// has the phase before the manager hears of it.
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

	_ = l.state.await(written) // the writer warns
	l.phase.mu.Lock()
	defer l.phase.mu.Unlock()
	if l.phase.now == to { // otherwise the manager has heard of a later one
		l.notify(l.notice(to))
	}
	return true
}
