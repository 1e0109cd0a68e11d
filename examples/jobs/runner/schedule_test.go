package runner_test

import (
	"testing"
	"time"
	_ "time/tzdata" // Windows has no time zone database

	jobs "github.com/holdfast-dev/holdfast/examples/jobs/runner"
)

func schedule(t testing.TB, line string) func(time.Time) time.Time {
	t.Helper()
	next, err := jobs.Next(line)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestDaylightSavingTimeNeitherLosesNorDoublesAJob(t *testing.T) {
	cases := map[string]struct {
		line, zone, from string
		want             []string
	}{
		"02:30 that does not exist is due when clocks are put": {
			"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"},
		},
		"02:30 that comes twice is due once": {
			"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		},
		"02:30 asked for between the two": {
			"30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00",
			[]string{"2026-10-26T02:30:00+01:00"},
		},
		"hours that are named": {
			"0,30 1-3 * * *", "Europe/Berlin", "2026-10-25T01:15:00+02:00",
			[]string{
				"2026-10-25T01:30:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00",
				"2026-10-25T03:00:00+01:00", "2026-10-25T03:30:00+01:00", "2026-10-26T01:00:00+01:00",
			},
		},
		"several at the same gap are one": {
			"0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"},
		},
		"each hour goes on": {
			"15 * * * *", "Europe/Berlin", "2026-10-25T01:30:00+02:00",
			[]string{"2026-10-25T02:15:00+02:00", "2026-10-25T02:15:00+01:00", "2026-10-25T03:15:00+01:00"},
		},
		"each hour loses none": {
			"0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00+01:00",
			[]string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"},
		},
		"clocks that are put by half an hour": {
			"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"},
		},
		"no midnight": {
			"0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00-03:00",
			[]string{"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"},
		},
		"seconds": {
			"*/20 * * * * *", "UTC", "2026-01-01T00:00:05Z",
			[]string{"2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z", "2026-01-01T00:01:00Z"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.from)
			if err != nil {
				t.Fatal(err)
			}
			at = at.In(zone(t, c.zone))
			next := schedule(t, c.line)
			for _, want := range c.want {
				at = next(at)
				if got := at.Format(time.RFC3339); got != want {
					t.Fatalf("%s, want %s", got, want)
				}
			}
		})
	}
}

// A schedule for certain minutes is due whenever clocks show such a minute, on all days of the
// year.
func TestIntervalsAreWhatClocksShow(t *testing.T) {
	fits := map[string]func(time.Time) bool{
		"*/15 * * * *": func(t time.Time) bool { return t.Minute()%15 == 0 },
		"7 */3 * * *":  func(t time.Time) bool { return t.Minute() == 7 && t.Hour()%3 == 0 },
		"0 * * * 0":    func(t time.Time) bool { return t.Minute() == 0 && t.Weekday() == time.Sunday },
		"30 * 25-31 3,10 *": func(t time.Time) bool {
			return t.Minute() == 30 && t.Day() >= 25 && (t.Month() == 3 || t.Month() == 10)
		},
	}
	for line, fit := range fits {
		for _, where := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"} {
			next := schedule(t, line)
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, zone(t, where))
			end := at.AddDate(1, 0, 0)
			due := next(at.Add(-time.Second))
			for ; at.Before(end); at = at.Add(time.Minute) {
				if !fit(at) {
					continue
				}
				if !due.Equal(at) {
					t.Fatalf("%q in %s: %s, want %s", line, where, due, at)
				}
				due = next(due)
			}
		}
	}
}

// A line that names hours is due once at each of its times, on all days of the year.
func TestNamedHoursComeOnceADay(t *testing.T) {
	for _, where := range []string{"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC"} {
		for _, line := range []string{"30 2 * * *", "0 0 * * *", "15 1 * * *", "59 23 * * *"} {
			next := schedule(t, line)
			at := time.Date(2018, 1, 1, 0, 0, 0, 0, zone(t, where)).Add(-time.Second)
			for day := range 365 * 3 {
				at = next(at)
				if want := time.Date(2018, 1, 1+day, 12, 0, 0, 0, zone(t, where)); at.YearDay() != want.YearDay() {
					t.Fatalf("%q in %s: %s, want one of the day %s", line, where, at, want)
				}
			}
		}
	}
}

func TestLinesThatAreNone(t *testing.T) {
	for _, line := range []string{"", "x", "* * * *", "61 * * * *", "0 0 30 2 *", "* * * * * * *", "@reboot"} {
		if _, err := jobs.Next(line); err == nil {
			t.Errorf("%q is taken", line)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	for _, line := range []string{"30 2 * * *", "*/7 * * * *", "0 0 L * *", "0 0 * * 5#3", "*/20 * * * * *", "@daily"} {
		f.Add(line, int64(1774746000))
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, line string, unix int64) {
		next, err := jobs.Next(line)
		if err != nil || unix < 0 || unix > 4e9 {
			return
		}
		at := time.Unix(unix, 0).In(berlin)
		if got := next(at); !got.IsZero() && !got.After(at) {
			t.Errorf("%q after %s is %s", line, at, got)
		}
	})
}
