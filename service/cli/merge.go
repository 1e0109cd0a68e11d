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
	last, err := t.lastRecord(ctx)
	if err != nil {
		r.note(err.Error())
	}
	s.Last = lastSource(last)
	supervisor, supervised := t.supervisor(ctx)
	left := r.askLeavings(ctx, t, last, &s, supervisor)
	again := r.Manager
	if supervised {
		again, r.supervisor = "its supervisor", supervisor.String()
		s.Supervisor = supervisor.Since
		if left != nil && left.Next != nil {
			r.Next = left.Next
		}
	}
	now = state.Merge(s)
	if r.Next != nil {
		now = r.tries(now)
	}
	r.take(now)
	r.LastRun = t.lastRun(now, last)
	r.GaveUp = r.gaveUp(t, now, s, left)
	if now.Again {
		r.again = again
	}
	return r, now, h, fileErr
}

// lastSource is what the record of the last run says.
func lastSource(last recovery.LastRun) state.LastRun {
	return state.LastRun{Process: last.Process, Started: last.Started, Ended: last.Ended, Exit: last.Ending(), Restarts: last.Restarts}
}

// askLeavings reads what a supervisor of ours has left of the last run: how often it
// has started the service again, which nobody else knows, and how a run ended that was
// cut off. It is nil if there is nothing, or nothing of that run.
func (r *report) askLeavings(ctx context.Context, t *target, last recovery.LastRun, s *state.Sources, supervisor singleton.Holder) *state.State {
	s.Last.Restarts = 0 // the record counts what nobody has made as restarts
	left, err := leavable(ctx, func() (state.State, error) { return state.Read(t.dirs.StateFile(t.supervisorLock().Name)) })
	if err != nil || supervisor.Known() && !left.Process.Same(supervisor.Identity) { // of one before
		return nil
	}
	s.Last.Restarts = left.Restarts
	if left.LastExit == nil || left.PhaseSince.Before(last.Started) {
		return &left
	}
	if s.Last.Ended.IsZero() {
		s.Last.Exit, s.Last.Ended = left.LastExit, left.PhaseSince
	}
	return &left
}

// gaveUp reports whether the service is down because it was started again as often as
// restart.max allows, so that nobody tries again by himself.
func (r *report) gaveUp(t *target, now state.Truth, s state.Sources, left *state.State) bool {
	if now.Running || now.Phase != platform.PhaseFailed || now.Again || !now.Known {
		return false
	}
	most := t.cfg.Restart.WithDefaults()
	switch {
	case s.Manager != nil && s.Manager.GaveUp:
		return true
	case left != nil && left.GaveUp:
		return !left.PhaseSince.Before(s.Last.Started)
	}
	return s.Manager != nil && now.Restarts > 0 && most.Max > 0 && now.Restarts >= most.Max && now.LastExit != nil && most.Follows(now.LastExit.Code)
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

// gaveUp is what to do about a service that nobody starts again by himself.
func (a *app) gaveUp(t *target) string {
	return "it was started again as often as restart.max allows: nobody tries again until " + a.command(t, "start")
}
