package cli

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// looks limits how often the sources are asked for one report.
const looks = 3

// merge asks the sources that [target.examine] names, and reports what they agree on. h is the
// holder of the lock. fileErr says why there is no state file.
//
// The sources are asked one after the other. If the service ends or begins meanwhile, they
// describe different runs, so merge asks all of them again.
func (t *target) merge(ctx context.Context) (r report, now state.Truth, h singleton.Holder, fileErr error) {
	for try := 1; ; try++ {
		var s state.Sources
		r, now, s, h, fileErr = t.mergeOnce(ctx)
		if try == looks || ctx.Err() != nil || !t.movedOn(s) {
			return r, now, h, fileErr
		}
		native.LookAnew(ctx)
	}
}

// movedOn reports whether the answer of the lock, which is asked first, is out of date: its
// holder has ended, or a process has opened the record of its run after the lock was free.
func (m machine) movedOn(s state.Sources) bool {
	switch {
	case s.Lock.Answer == state.LockHeld:
		alive, err := m.Alive(s.Lock.Process)
		return err == nil && !alive
	case s.Lock.Answer == state.LockFree && s.Last.Ended.IsZero() && s.Last.Process.PID != 0:
		alive, err := m.Alive(s.Last.Process)
		return err == nil && alive
	}
	return false
}

func (t *target) mergeOnce(ctx context.Context) (r report, now state.Truth, s state.Sources, h singleton.Holder, fileErr error) {
	r = report{
		Name: t.id.String(), Version: t.cfg.Version, Scope: t.id.Scope, RuntimeDir: t.dirs.Runtime, StateDir: t.dirs.State, now: t.Now(),
	}
	s = state.Sources{Now: r.now, StartTimeout: t.cfg.StartTimeout, Window: t.cfg.Restart.Window}
	h = r.askLock(ctx, t, &s)
	r.askManager(ctx, t, &s)
	fileErr = r.readFile(t, &s)
	last, err := t.lastRecord(ctx)
	if err != nil {
		r.note(err.Error())
	}
	s.Last = lastSource(last)
	supervisor, supervised := t.supervisorOf(ctx, h, last)
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
	return r, now, s, h, fileErr
}

// lastSource returns what the record of the last run says.
func lastSource(last recovery.LastRun) state.LastRun {
	return state.LastRun{Process: last.Process, Started: last.Started, Ended: last.Ended, Exit: last.Ending(), Restarts: last.Restarts}
}

// askLeavings reads what a supervisor of ours has left about the last run: how often it has
// restarted the service, which nobody else knows, and how an interrupted run ended. It is nil
// if there is nothing, or nothing about that run.
func (r *report) askLeavings(ctx context.Context, t *target, last recovery.LastRun, s *state.Sources, supervisor singleton.Holder) *state.State {
	s.Last.Restarts = 0 // the record also counts starts that nobody made as restarts
	left, err := leavable(ctx, func() (state.State, error) { return state.Read(t.dirs.StateFile(t.supervisorLock().Name)) })
	if err != nil || supervisor.Known() && !left.Process.Same(supervisor.Identity) { // from an earlier supervisor
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

// gaveUp reports whether the service is down because it was restarted as often as restart.max
// allows, so that nobody restarts it any more.
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

// A manager that does not say which attempt comes next, and when, is considered to have given
// up if an attempt is overdue by this.
const overdue = 15 * time.Second

// tries adds what the manager does not say about its next attempt, and drops an attempt that
// will not happen.
func (r *report) tries(now state.Truth) state.Truth {
	next := *r.Next
	planned := next.Number == 0 && next.Delay > 0 // the manager only says what it is configured to do
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

// triesAgain says who will restart the service, and when. It is empty if nobody will.
func (t *target) triesAgain(ctx context.Context) string {
	r, now, _, _ := t.merge(ctx)
	switch {
	case now.Running && now.Phase == platform.PhaseStarting && !now.Stranger && t.manager != nil:
		return t.manager.Name() + " tries again now"
	case r.again == "":
		return ""
	case r.Next == nil:
		return r.again + " tries again"
	}
	return r.again + " tries again: " + nextText(r, *r.Next)
}

// gaveUp says what to do about a service that nobody restarts any more.
func (a *app) gaveUp(t *target) string {
	return "it was restarted as often as restart.max allows, and is not restarted before " + a.command(t, "start")
}
