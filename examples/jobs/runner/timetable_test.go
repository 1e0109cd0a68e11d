package runner_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	jobs "github.com/holdfast-dev/holdfast/examples/jobs/runner"
)

// A clock is a timetable with a clock of its own, and the times that it has submitted.
type clock struct {
	t     *testing.T
	path  string
	now   time.Time
	table *jobs.Timetable
	line  string
	catch string
	due   []string
}

func newClock(t *testing.T, line, catchUp string) *clock {
	c := &clock{t: t, path: filepath.Join(t.TempDir(), "timetable"), now: time.Date(2026, 3, 1, 12, 0, 30, 0, zone(t, "Europe/Berlin")), line: line, catch: catchUp}
	c.start()
	return c
}

// start restarts the service.
func (c *clock) start() {
	c.table = jobs.NewTimetable(c.t, c.path, c.line, c.catch, func() time.Time { return c.now }, func(at time.Time) {
		c.due = append(c.due, at.Format("02T15:04:05"))
	})
	c.turn()
}

func (c *clock) turn() { c.table.Turn(c.t.Context()) }

// pass lets time pass while the service is running.
func (c *clock) pass(d time.Duration) {
	for end := c.now.Add(d); c.now.Before(end); {
		c.now = c.now.Add(min(time.Second, end.Sub(c.now)))
		c.turn()
	}
}

func (c *clock) want(times ...string) {
	c.t.Helper()
	if got, want := strings.Join(c.due, " "), strings.Join(times, " "); got != want {
		c.t.Errorf("ran at %s; want %s", got, want)
	}
	c.due = nil
}

func TestMissedTimes(t *testing.T) {
	missed := map[string][]string{
		"off":  nil,
		"once": {"01T12:04:00"},
		"all":  {"01T12:02:00", "01T12:03:00", "01T12:04:00"},
	}
	for catchUp, want := range missed {
		t.Run(catchUp, func(t *testing.T) {
			c := newClock(t, "* * * * *", catchUp)
			c.want() // times before the first start do not count
			c.pass(time.Minute)
			c.want("01T12:01:00")
			c.now = c.now.Add(3 * time.Minute) // the service is down
			c.start()
			c.want(want...)
			c.start() // down for a moment
			c.pass(time.Minute)
			c.want("01T12:05:00")
			// The machine sleeps, or the clock is set forward. The last of these times was a moment ago, so it is on time.
			c.now = c.now.Add(3 * time.Minute)
			c.turn()
			switch catchUp {
			case "all":
				c.want("01T12:06:00", "01T12:07:00", "01T12:08:00")
			default:
				c.want("01T12:08:00")
			}
		})
	}
}

func TestAJobIsOnTimeThoughWeAreHeldUp(t *testing.T) {
	c := newClock(t, "*/10 * * * * *", "off")
	c.now = c.now.Add(45 * time.Second)
	c.turn()
	c.want("01T12:00:40", "01T12:00:50", "01T12:01:00", "01T12:01:10")
}

func TestTheClockIsSetBackAndForth(t *testing.T) {
	c := newClock(t, "0 * * * *", "all")
	c.pass(time.Hour)
	c.want("01T13:00:00")
	c.now = c.now.Add(-time.Hour) // back: past runs do not run again
	c.pass(time.Hour)
	c.want()
	c.pass(time.Hour)
	c.want("01T14:00:00")
	c.now = c.now.Add(2 * time.Hour) // forward
	c.turn()
	c.want("01T15:00:00", "01T16:00:00")
	c.now = c.now.Add(-48 * time.Hour) // the clock had been wrong
	c.turn()
	c.pass(time.Hour)
	c.want("27T17:00:00")
}

func TestTheTimetableGoesThroughDaylightSavingTime(t *testing.T) {
	for _, catchUp := range []string{"off", "all"} {
		c := newClock(t, "30 2 * * *", catchUp)
		c.now = time.Date(2026, 3, 29, 1, 0, 0, 0, c.now.Location())
		c.start()
		c.due = nil
		c.pass(3 * time.Hour)
		c.want("29T03:00:00")
		c.now = time.Date(2026, 10, 25, 1, 0, 0, 0, c.now.Location())
		c.start()
		c.due = nil
		c.pass(4 * time.Hour)
		c.want("25T02:30:00")
	}
}

// A run that cannot be recorded is tried again, and none is lost.
func TestWhatIsDueWaitsForTheJournal(t *testing.T) {
	c := newClock(t, "* * * * *", "off")
	c.table.Fail(true)
	c.pass(time.Minute)
	c.want()
	c.table.Fail(false)
	c.pass(time.Second)
	c.want("01T12:01:00")
	c.pass(59 * time.Second)
	c.want("01T12:02:00")
}

func TestANewScheduleMissesNothing(t *testing.T) {
	c := newClock(t, "* * * * *", "all")
	c.pass(time.Minute)
	c.want("01T12:01:00")
	c.now = c.now.Add(time.Hour)
	c.line = "30 * * * *"
	c.start()
	c.want()
}
