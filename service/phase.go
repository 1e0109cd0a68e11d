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
		platform.PhaseStarting:  {platform.PhaseStandby, platform.PhaseReady, platform.PhaseStopping},
		platform.PhaseStandby:   {platform.PhaseStarting, platform.PhaseReloading, platform.PhaseStopping},
		platform.PhaseReady:     {platform.PhaseReloading, platform.PhaseStopping},
		platform.PhaseReloading: {platform.PhaseStandby, platform.PhaseReady, platform.PhaseStopping},
	}[from], to)
}

// passes reports whether a phase is on the way to another one. Most are over within
// milliseconds, and nobody has to find them in the state file: it gets them after [stateDelay].
func passes(p platform.Phase) bool {
	return p == platform.PhaseReloading || p == platform.PhaseStopping
}

// phases has the current phase of a life. It changes in this one place, for the state file and
// the manager alike.
type phases struct {
	mu  sync.Mutex
	now platform.Phase
}

// current returns the phase.
func (p *phases) current() platform.Phase {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// enter changes the phase together with the rest of the state, then tells the manager. It
// reports false, and changes nothing, if the phase cannot be entered. Once a stop is
// requested, only stopping can be entered. The phase is in the state file before the manager
// is told, unless it [passes].
func (l *life) enter(to platform.Phase, change func(*State)) bool {
	l.phase.mu.Lock()
	if !follows(l.phase.now, to) || l.stopping.Err() != nil && to != platform.PhaseStopping {
		l.phase.mu.Unlock()
		return false
	}
	l.phase.now = to
	note := func(s *State) {
		s.Phase, s.PhaseSince = to, time.Now()
		change(s)
	}
	written := 0
	if passes(to) {
		l.state.update(note)
	} else {
		written = l.state.change(note)
	}
	l.phase.mu.Unlock()

	_ = l.state.await(written) // the writer warns
	l.phase.mu.Lock()
	defer l.phase.mu.Unlock()
	if l.phase.now == to { // otherwise the manager has been told of a later phase
		l.notify(l.notice(to))
	}
	return true
}
