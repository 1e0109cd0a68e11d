package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

const (
	// While we run, what is due no longer than that is on time: we may have been held up.
	grace = time.Minute
	// A clock that is put back by more is taken to be right now, and to have been wrong before.
	putRight = 3 * time.Hour
	// catch_up = "all" makes up for that many of the latest missed times of a job, and for no more.
	mostMissed = 10_000
	// The clock may be set at any time, so it is looked at.
	tickEvery = time.Second
)

// timetable has jobs run when they are due. What it knows of the past is up to when each job
// has been seen to; it survives a restart, and only its own runs move it: one by hand does not.
type timetable struct {
	path   string // of what it knows
	now    func() time.Time
	log    *slog.Logger
	config func() *config
	submit func(ctx context.Context, j job, due time.Time) error

	begun time.Time         // when the service was started: what was due before is missed
	seen  map[string]seenTo // by job
	told  map[string]string // by job: what cannot be done, and the log has
}

// seenTo is up to when a job has been seen to, by which schedule.
type seenTo struct {
	Schedule string    `json:"schedule"`
	Until    time.Time `json:"until"`
}

func newTimetable(path string, p *primary) *timetable {
	t := &timetable{path: path, now: time.Now, log: p.log, config: p.config, seen: map[string]seenTo{}, told: map[string]string{}}
	t.submit = func(ctx context.Context, j job, due time.Time) error {
		// The key has each time run once, whatever becomes of us before the next line is written.
		key := fmt.Sprintf("%s@%s", j.Name, due.UTC().Format(time.RFC3339))
		_, err := p.submit(ctx, j, journal.Scheduled, nil, key)
		if errors.Is(err, journal.ErrKnown) {
			return nil
		}
		return err
	}
	t.begun = t.now()
	readJSON(path, &t.seen)
	return t
}

// run is the timetable's life.
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

// turn submits what is due, and returns when the next job is.
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
				t.log.Error("a job is due and cannot be written down: trying again", "job", j.Name, "error", err)
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
		if err := files.ReplaceJSON(t.path, t.seen, 0o600, true); err != nil {
			t.log.Error("up to when jobs were seen to cannot be written down", "error", err)
		}
	}
	return next
}

// meet begins with a job that is new, or has another schedule, or whose time was wrong.
func (t *timetable) meet(j job, now time.Time) {
	s, known := t.seen[j.Name]
	switch {
	case !known || s.Schedule != j.Schedule.text:
	case s.Until.Sub(now) > putRight:
		t.log.Warn("the clock was put back: the timetable begins anew", "job", j.Name, "was", s.Until)
	default:
		return
	}
	t.seen[j.Name] = seenTo{j.Schedule.text, now}
}

// see submits what has been due since the job was seen to last, the oldest first.
func (t *timetable) see(ctx context.Context, j job, now time.Time) error {
	s := t.seen[j.Name]
	missed, due, lost := split(j, s.Until.In(now.Location()), now, t.missedBefore(now))
	if len(missed) > 0 || lost {
		t.log.Warn("times of a job were missed", "job", j.Name, "catch_up", cmp.Or(j.CatchUp, catchUpOff), "made_up_for", len(missed), "lost", lost)
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

// missedBefore is before when what is due has been missed.
func (t *timetable) missedBefore(now time.Time) time.Time {
	if late := now.Add(-grace); late.After(t.begun) {
		return late
	}
	return t.begun
}

// split is what a job was due at after from and up to now: what was missed and is made up for, and
// what is on time. lost: more was missed than that.
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
		if len(due) > 0 { // that makes up for them
			missed = nil
		}
	}
	return missed, due, lost
}
