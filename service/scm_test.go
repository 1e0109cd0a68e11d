package service_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A started is a host with nothing but a name.
type started struct {
	platform.Host
	by string
}

func (s started) Name() string { return s.by }

func TestSinkOfAWindowsService(t *testing.T) {
	cases := map[string]struct {
		by   string
		o    logsink.Options
		want string
	}{
		"nobody chose":     {"scm", logsink.Options{}, "eventlog"},
		"auto":             {"scm", logsink.Options{Sink: "auto"}, "eventlog"},
		"a file":           {"scm", logsink.Options{File: `C:\feedd.log`}, ""},
		"somebody chose":   {"scm", logsink.Options{Sink: "stderr"}, "stderr"},
		"another manager":  {"systemd", logsink.Options{}, ""},
		"started by hand":  {"", logsink.Options{Sink: "auto"}, "auto"},
		"a level survives": {"scm", logsink.Options{Level: "warn"}, "eventlog"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := c.o
			want.Sink = c.want
			if got := service.LogOptions(c.o, started{by: c.by}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestOnlyTheSCMOverlaps(t *testing.T) {
	for by, want := range map[string]bool{"scm": true, "systemd": false, "": false} {
		if got := service.Overlap(started{by: by}); (got > 0) != want {
			t.Errorf("%q: %v", by, got)
		}
	}
}
