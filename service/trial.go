package service

import (
	"context"

	"github.com/holdfast-dev/holdfast/platform"
)

// onTrial returns the id of the trial that this version is on, or "" if it is confirmed.
func (l *life) onTrial() string {
	if l.trial == nil {
		return ""
	}
	return l.trial.ID()
}

// awaitConfirmation updates the records when this version is confirmed.
func (l *life) awaitConfirmation() {
	select {
	case <-l.trial.Confirmed():
		l.log.Info("this version is confirmed", "version", l.cfg.Version, "before", l.trial.From())
		l.state.update(func(s *State) { s.Trial = "" })
		if err := l.record.Confirmed(); err != nil {
			l.log.Warn("the next run will report this version as rolled back", "error", err)
		}
	case <-l.over:
		return
	}
	select {
	case <-l.served: // a candidate of a cluster may not be there yet
		l.sockets().Keep(l.stopping)
		l.noteSockets()
		l.confirmKept()
	case <-l.over:
	}
}

// notice returns what the manager is told of a phase. If a candidate stops and the confirmed
// version takes over in the same process, the manager is not told of the stop. Otherwise it
// would wait for the end of the process, and finally kill it.
//
// Nor is it told if the process campaigns again after the stop. A candidate that waits is ready
// to the manager, and remains so when it starts as the leader.
func (l *life) notice(to platform.Phase) platform.Notice {
	switch {
	case to == platform.PhaseStandby:
		return platform.Notice{Phase: platform.PhaseReady, Text: l.state.now().StatusText}
	case to == platform.PhaseStarting:
		return platform.Notice{}
	case to != platform.PhaseStopping:
		return platform.Notice{Phase: to}
	case l.continues(context.Cause(l.stopping)):
		return platform.Notice{Text: ErrTermLost.Error()}
	case !l.trial.Yields():
		return platform.Notice{Phase: to}
	}
	return platform.Notice{Extend: l.cfg.StopTimeout + l.cfg.StartTimeout + platform.StopMargin}
}

// Confirmed blocks until the running version is confirmed, and returns nil. It returns at once
// unless the version is a candidate on trial (see `upgrade`). Until then a program must keep
// its data readable by the previous version, which may run again at any time;
// [Runtime.Recovery] names that version. The error is the cause of ctx's end or of a stop.
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
