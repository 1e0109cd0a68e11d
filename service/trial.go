package service

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
)

// onTrial is the id of the trial that this version is on; empty if it is confirmed.
func (l *life) onTrial() string {
	if l.trial == nil {
		return ""
	}
	return l.trial.ID()
}

// awaitConfirmation has the state file say that this version is on trial no more.
func (l *life) awaitConfirmation() {
	select {
	case <-l.trial.Confirmed():
		l.log.Info("this version is confirmed", "version", l.cfg.Version, "before", l.trial.From())
		l.state.update(func(s *State) { s.Trial = "" })
		if err := l.record.Confirmed(); err != nil {
			l.log.Warn("the next run will take this version for one that was rolled back", "error", err)
		}
	case <-l.over:
	}
}

// notice is what the manager is told of a phase. It does not hear of the stop of a
// candidate that the confirmed version follows in the same process: after its word
// of a stop a manager waits for the end of the process, and in the end kills it.
func (l *life) notice(to platform.Phase) platform.Notice {
	if to != platform.PhaseStopping || !l.trial.Yields() {
		return platform.Notice{Phase: to}
	}
	return platform.Notice{Extend: l.cfg.StopTimeout + l.cfg.StartTimeout + platform.StopMargin}
}

// Confirmed returns nil when the running version is the confirmed one: at once,
// unless it is a candidate on trial (see `upgrade`). Until then a program keeps its
// data readable by the version before, which may run again at any time;
// [Runtime.Recovery] says which version ran before this one. The error is
// the cause of ctx's end, or that of a stop.
func (rt *Runtime) Confirmed(ctx context.Context) error {
	if rt.l.trial == nil {
		return nil
	}
	select {
	case <-rt.l.trial.Confirmed():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-rt.l.stopping.Done():
		return context.Cause(rt.l.stopping)
	}
}
