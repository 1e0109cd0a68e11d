package runner

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// A schedule is a cron line: minute, hour, day of month, month, day of week. A sixth field in
// front means seconds. It may also be @hourly or the like.
//
// The library only computes times of the day, for a calendar without daylight saving time. The
// methods here handle the two days of a year on which clocks change.
type schedule struct {
	text     string
	times    *cronexpr.Expression
	interval bool // every hour, or every few: only the time in between matters
}

func (s *schedule) UnmarshalText(text []byte) error {
	s.text = strings.TrimSpace(string(text))
	line, hour := s.text, 1
	switch fields := strings.Fields(line); len(fields) {
	case 1: // @daily
		s.interval = line == "@hourly"
	case 6:
		line, hour = line+" *", 2 // the library takes the sixth field for the year
		fallthrough
	case 5:
		s.interval = strings.HasPrefix(fields[hour], "*")
	default:
		return fmt.Errorf("%q has %d fields: minute, hour, day of month, month, day of week, or seconds before them", text, len(fields))
	}
	var err error
	if s.times, err = cronexpr.Parse(line); err == nil && s.times.Next(time.Now().UTC()).IsZero() {
		err = fmt.Errorf("%q never occurs", text)
	}
	return err
}

// MarshalText returns the line, for `config print`.
func (s schedule) MarshalText() ([]byte, error) { return []byte(s.text), nil } //nolint:unparam // encoding.TextMarshaler wants the error

// next returns the first time after t, in t's time zone, or zero if there is none.
//
// When clocks are put forward, a time that does not exist is due at the moment of the change.
// When they are put back, a time that occurs twice is due at its first occurrence. So no run
// is lost or doubled. A schedule for every hour, or for every few hours or minutes (* or */N),
// continues through both changes, because it means no particular hour.
func (s schedule) next(t time.Time) time.Time {
	if s.interval {
		return s.nextInterval(t)
	}
	for wall := s.times.Next(wallOf(t)); !wall.IsZero(); wall = s.times.Next(wall) {
		if at := instantOf(wall, t.Location()); at.After(t) {
			return at
		}
	}
	return time.Time{}
}

func (s schedule) nextInterval(t time.Time) time.Time {
	for from := wallOf(t); ; {
		wall := s.times.Next(from)
		if wall.IsZero() {
			return wall
		}
		at := t.Add(wall.Sub(wallOf(t)))
		_, end := t.ZoneBounds()
		if end.IsZero() || at.Before(end) {
			return at
		}
		// Continue there with the new time of the clocks, that very moment included.
		t = end
		from = wallOf(end).Add(-time.Second)
	}
}

// wallOf returns what clocks show at t, as if there were no time zones.
func wallOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instantOf returns when clocks show wall in zone: the first time if there are two, or, if
// they never show it, the moment when they jump over it.
func instantOf(wall time.Time, zone *time.Location) time.Time {
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	start, end := at.ZoneBounds()
	switch shown := wallOf(at); {
	case shown.After(wall):
		return start
	case shown.Before(wall):
		return end
	}
	if !start.IsZero() { // clocks may have shown the same before they were put back
		before := start.Add(-time.Nanosecond)
		if earlier := before.Add(wall.Sub(wallOf(before))); earlier.Before(start) {
			return earlier
		}
	}
	return at
}
