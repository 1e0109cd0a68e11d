package runner

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

type (
	Program = program
	Config  = config
	Job     = job
)

// Next returns the schedule of a cron line.
func Next(line string) (func(time.Time) time.Time, error) {
	var s schedule
	err := s.UnmarshalText([]byte(line))
	return s.next, err
}

// A Timetable is a timetable of one job.
type Timetable struct {
	table *timetable
	fail  bool
}

// NewTimetable begins like a start of the service.
func NewTimetable(t testing.TB, path, line, catch string, now func() time.Time, submit func(time.Time)) *Timetable {
	t.Helper()
	j := job{Name: "work", Schedule: new(schedule), Command: []string{"true"}, CatchUp: catchUp(catch)}
	if err := j.Schedule.UnmarshalText([]byte(line)); err != nil {
		t.Fatal(err)
	}
	cfg := config{Jobs: []job{j}}
	x := &Timetable{table: &timetable{
		now: now, log: slog.New(slog.DiscardHandler), config: func() *config { return &cfg },
		begun: now(), seen: map[string]seenTo{}, told: map[string]string{},
	}}
	x.table.submit = func(_ context.Context, _ job, at time.Time) error {
		if x.fail {
			return errors.New("the journal is full")
		}
		submit(at)
		return nil
	}
	readJSON(path, &x.table.seen)
	x.table.save = func(context.Context) error { return files.ReplaceJSON(path, x.table.seen, 0o600, true) }
	return x
}

// Turn runs one turn.
func (x *Timetable) Turn(ctx context.Context) { x.table.turn(ctx) }

// Fail makes every submission fail.
func (x *Timetable) Fail(fail bool) { x.fail = fail }

// Pause returns the pause of a job with that retry_delay after that many failures.
func Pause(delay string, failures int) time.Duration {
	var j job
	if err := j.RetryDelay.UnmarshalText([]byte(delay)); err != nil {
		return 0
	}
	return j.pause(failures)
}

// Sweep removes the output of unknown runs.
func Sweep(dir string, known func(uint64) bool) error { return folder(dir).sweep(known) }
