package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

const (
	// grace is the delay up to which a run counts as on time while the service is running,
	// because the process may have been held up.
	grace = time.Minute
	// putRight is the step back of the clock from which the new time is taken to be right, and
	// the old one wrong.
	putRight = 3 * time.Hour
	// mostMissed limits the missed times of a job that catch_up = "all" makes up for, the
	// latest ones.
	mostMissed = 10_000
	// tickEvery is the time between two looks at the clock, which may be set at any time.
	tickEvery = time.Second
)

// A timetable runs jobs when they are due. It remembers for each job up to which time it has
// submitted runs, even over a restart. Only its own runs change that; a run by hand does not.
type timetable struct {
	save   func(context.Context) error // keeps seen
	now    func() time.Time
	log    *slog.Logger
	config func() *config
	submit func(ctx context.Context, j job, due time.Time) error

	begun time.Time         // start of the service; runs due before it are missed
	seen  map[string]seenTo // by job
	told  map[string]string // by job: the last error that was logged
}

// A seenTo says up to which time a job was submitted, and by which schedule.
type seenTo struct {
	Schedule string    `json:"schedule"`
	Until    time.Time `json:"until"`
}

func newTimetable(p *primary) *timetable {
	t := &timetable{now: time.Now, log: p.log, config: p.config, seen: map[string]seenTo{}, told: map[string]string{}}
	t.submit = func(ctx context.Context, j job, due time.Time) error {
		// The key makes each time run only once, even if this process dies before it records that.
		key := fmt.Sprintf("%s@%s", j.Name, due.UTC().Format(time.RFC3339))
		_, err := p.submit(ctx, j, journal.Scheduled, nil, key)
		if errors.Is(err, journal.ErrKnown) {
			return nil
		}
		return err
	}
	t.begun = t.now()
	return t
}

// run runs the timetable until ctx ends.
func (t *timetable) run(ctx context.Context) error {
	for {
		next := t.turn(ctx)
		wait := tickEvery
		if !next.IsZero() {
			wait = min(wait, max(next.Sub(t.now()), time.Millisecond))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// turn submits the runs that are due, and returns when the next one is.
func (t *timetable) turn(ctx context.Context) (next time.Time) {
	now := t.now()
	before := maps.Clone(t.seen)
	for _, j := range t.config().Jobs {
		if j.Schedule == nil {
			continue
		}
		t.meet(j, now)
		if err := t.see(ctx, j, now); err != nil {
			if ctx.Err() == nil && t.told[j.Name] != err.Error() {
				t.log.Error("a job is due but cannot be recorded: trying again", "job", j.Name, "error", err)
				t.told[j.Name] = err.Error()
			}
			continue
		}
		delete(t.told, j.Name)
		if at := j.Schedule.next(now); next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	if !maps.Equal(before, t.seen) {
		if err := t.save(ctx); err != nil {
			t.log.Error("the time of the last check of the timetable cannot be recorded", "error", err)
		}
	}
	return next
}

// meet begins to track a job that is new, has another schedule, or whose recorded time was
// wrong.
func (t *timetable) meet(j job, now time.Time) {
	s, known := t.seen[j.Name]
	switch {
	case !known || s.Schedule != j.Schedule.text:
	case s.Until.Sub(now) > putRight:
		t.log.Warn("the clock was set back: the timetable starts anew", "job", j.Name, "was", s.Until)
	default:
		return
	}
	t.seen[j.Name] = seenTo{j.Schedule.text, now}
}

// see submits the runs of a job that have become due since the last time, the oldest first.
func (t *timetable) see(ctx context.Context, j job, now time.Time) error {
	s := t.seen[j.Name]
	missed, due, lost := split(j, s.Until.In(now.Location()), now, t.missedBefore(now))
	if len(missed) > 0 || lost {
		t.log.Warn("scheduled times of a job were missed", "job", j.Name, "catch_up", cmp.Or(j.CatchUp, catchUpOff), "made_up_for", len(missed), "lost", lost)
	}
	due = append(missed, due...)
	for _, at := range due {
		if err := t.submit(ctx, j, at); err != nil {
			return err
		}
		s.Until = at
		t.seen[j.Name] = s
	}
	if (len(due) > 0 || lost) && s.Until.Before(now) {
		s.Until = now
		t.seen[j.Name] = s
	}
	return nil
}

// missedBefore returns the time before which due runs count as missed.
func (t *timetable) missedBefore(now time.Time) time.Time {
	if late := now.Add(-grace); late.After(t.begun) {
		return late
	}
	return t.begun
}

// split returns the times of a job after from and up to now: missed has those that were missed
// and are made up for, and due those that are on time. lost says that more were missed.
func split(j job, from, now, missedBefore time.Time) (missed, due []time.Time, lost bool) {
	next := j.Schedule.next
	at := next(from)
	if off := j.CatchUp == catchUpOff || j.CatchUp == ""; off && !at.IsZero() && at.Before(missedBefore) {
		at, lost = next(missedBefore.Add(-time.Nanosecond)), true
	}
	for ; !at.IsZero() && !at.After(now); at = next(at) {
		if at.Before(missedBefore) {
			missed = append(missed, at)
		} else {
			due = append(due, at)
		}
		if len(missed) > mostMissed {
			missed, lost = missed[1:], true
		}
	}
	if n := len(missed); j.CatchUp == catchUpOnce && n > 0 {
		missed = missed[n-1:]
		if len(due) > 0 { // the run on time makes up for them
			missed = nil
		}
	}
	return missed, due, lost
}
