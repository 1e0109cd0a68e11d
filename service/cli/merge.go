package cli

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// merge asks whom [target.examine] names, and reports what is so as far as they say. h
// is the holder of the lock; fileErr is why there is no state file.
func (t *target) merge(ctx context.Context) (r report, now state.Truth, h singleton.Holder, fileErr error) {
	r = report{
		Name: t.id.String(), Version: t.cfg.Version, Scope: t.id.Scope, RuntimeDir: t.dirs.Runtime, StateDir: t.dirs.State, now: t.Now(),
	}
	s := state.Sources{Now: r.now, StartTimeout: t.cfg.StartTimeout, Window: t.cfg.Restart.Window}
	h = r.askLock(ctx, t, &s)
	r.askManager(ctx, t, &s)
	fileErr = r.readFile(t, &s)
	last, err := leavable(ctx, func() (recovery.LastRun, error) { return recovery.Read(t.dirs.LastRunFile(t.id.String())) })
	if err != nil {
		r.note(err.Error())
	}
	s.Last = state.LastRun{Process: last.Process, Started: last.Started, Ended: last.Ended, Exit: last.Ending(), Restarts: last.Restarts}
	again := r.Manager
	if supervisor, ok := t.supervisor(ctx); ok {
		again, r.supervisor = "its supervisor", supervisor.String()
		s.Supervisor = supervisor.Since
		r.askSupervisor(t, supervisor, &s)
	}
	now = state.Merge(s)
	if r.Next != nil {
		now = r.tries(now)
	}
	r.take(now)
	if now.Again {
		r.again = again
	}
	return r, now, h, fileErr
}

// askSupervisor reads what a supervisor of ours has left, which waits to start the service
// again: when that will be and, of a run that was cut off, how it ended.
func (r *report) askSupervisor(t *target, supervisor singleton.Holder, s *state.Sources) {
	waits, err := state.Of(t.dirs.StateFile(t.supervisorLock().Name), supervisor.Identity)
	if err != nil || waits.Next == nil {
		return
	}
	r.Next = waits.Next
	if s.Last.Ended.IsZero() && waits.LastExit != nil {
		s.Last.Exit, s.Last.Ended = waits.LastExit, waits.PhaseSince
	}
}

// A manager that does not say which try it has come to, and when, is taken to have given up
// when one is overdue for that long.
const overdue = 15 * time.Second

// tries makes up for what the manager does not say of its next try, and drops one that
// will not be.
func (r *report) tries(now state.Truth) state.Truth {
	next := *r.Next
	planned := next.Number == 0 && next.Delay > 0 // it says no more than what it was told to do
	if planned {
		next.Number = now.Restarts + 1
	}
	if next.At.IsZero() && next.Delay > 0 && !now.EndedAt.IsZero() {
		next.At = now.EndedAt.Add(next.Delay)
	}
	late := !next.At.IsZero() && r.now.Sub(next.At) > overdue || next.Max > 0 && next.Number > next.Max
	r.Next = &next
	switch {
	case now.Running, planned && late:
		r.Next = nil
	case now.Phase == platform.PhaseFailed:
		now.Again = true
	}
	return now
}

// triesAgain says that the service is going to be started again, by whom and when; empty
// if it is not.
func (t *target) triesAgain(ctx context.Context) string {
	r, now, _, _ := t.merge(ctx)
	switch {
	case now.Running && now.Phase == platform.PhaseStarting && !now.Stranger && t.manager != nil:
		return t.manager.Name() + " tries again right now"
	case r.again == "":
		return ""
	case r.Next == nil:
		return r.again + " tries again"
	}
	return r.again + " tries again: " + nextText(r, *r.Next)
}
