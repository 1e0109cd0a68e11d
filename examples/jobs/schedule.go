package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// schedule is a cron line: minute, hour, day of month, month, day of week; with a sixth field
// in front, seconds; or @hourly and its like.
//
// The library is only asked for times of the day, as a calendar without daylight saving
// time has them; what becomes of the two odd days of a year is decided here.
type schedule struct {
	text     string
	times    *cronexpr.Expression
	interval bool // each hour, or each so many: it is the time between two that counts
}

func (s *schedule) UnmarshalText(text []byte) error {
	s.text = strings.TrimSpace(string(text))
	line, hour := s.text, 1
	switch fields := strings.Fields(line); len(fields) {
	case 1: // @daily
		s.interval = line == "@hourly"
	case 6:
		line, hour = line+" *", 2 // the library takes six for a line with years
		fallthrough
	case 5:
		s.interval = strings.HasPrefix(fields[hour], "*")
	default:
		return fmt.Errorf("%q has %d fields: minute, hour, day of month, month, day of week, or seconds before them", text, len(fields))
	}
	var err error
	if s.times, err = cronexpr.Parse(line); err == nil && s.times.Next(time.Now().UTC()).IsZero() {
		err = fmt.Errorf("%q never comes", text)
	}
	return err
}

// MarshalText is the line, for `config print`.
func (s schedule) MarshalText() ([]byte, error) { return []byte(s.text), nil } //nolint:unparam // encoding.TextMarshaler wants the error

// next is the first time after t, in t's time zone; zero if there is none.
//
// Where clocks are put forward, what is due at a time that does not exist is due when they
// are put. Where they are put back, what is due at a time that comes twice is due when
// it comes first. So neither is lost or doubled. A schedule for each hour, or so many
// hours or minutes (* or */N), goes on through both: it has no hour that it means.
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
		// On from there, by what clocks show then; that very moment counts.
		t = end
		from = wallOf(end).Add(-time.Second)
	}
}

// wallOf is what clocks show at t, as if there were no time zones.
func wallOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instantOf is when clocks show wall in zone: the first time they do, or, if they never
// do, when they jump over it.
func instantOf(wall time.Time, zone *time.Location) time.Time {
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	start, end := at.ZoneBounds()
	switch shown := wallOf(at); {
	case shown.After(wall):
		return start
	case shown.Before(wall):
		return end
	}
	if !start.IsZero() { // the same could have been shown before the clocks were put back
		before := start.Add(-time.Nanosecond)
		if earlier := before.Add(wall.Sub(wallOf(before))); earlier.Before(start) {
			return earlier
		}
	}
	return at
}
