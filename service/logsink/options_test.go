package logsink_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

func TestCheck(t *testing.T) {
	abs, err := filepath.Abs("feedd.log")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		o     logsink.Options
		field string // "" = good
		says  string
	}{
		"zero":                {logsink.Options{}, "", ""},
		"all of them":         {logsink.Options{Level: "trace", Format: "json", Sink: "file", File: abs, MaxSizeMB: 1, MaxBackups: 2, MaxAgeDays: 3}, "", ""},
		"file implies":        {logsink.Options{File: abs}, "", ""},
		"auto with file":      {logsink.Options{Sink: "auto", File: abs}, "", ""},
		"syslog anywhere":     {logsink.Options{Sink: "syslog"}, "", ""},
		"event log anywhere":  {logsink.Options{Sink: "eventlog"}, "", ""},
		"level unknown":       {logsink.Options{Level: "loud"}, "level", `"loud" is not one of trace, debug, info, warn, error`},
		"level off":           {logsink.Options{Level: "off"}, "level", "not one of"},
		"level upper case":    {logsink.Options{Level: "INFO"}, "level", "not one of"},
		"format unknown":      {logsink.Options{Format: "xml"}, "format", "text, json"},
		"sink unknown":        {logsink.Options{Sink: "loki"}, "sink", "auto, stderr"},
		"sink file, no path":  {logsink.Options{Sink: "file"}, "sink", "needs a path"},
		"relative":            {logsink.Options{File: "feedd.log"}, "file", "absolute"},
		"file but eventlog":   {logsink.Options{File: abs, Sink: "eventlog"}, "file", `"eventlog"`},
		"file but journald":   {logsink.Options{File: abs, Sink: "journald"}, "file", `"journald"`},
		"negative size":       {logsink.Options{File: abs, MaxSizeMB: -1}, "max_size_mb", "-1"},
		"negative backups":    {logsink.Options{File: abs, MaxBackups: -1}, "max_backups", "-1"},
		"negative age":        {logsink.Options{File: abs, MaxAgeDays: -1}, "max_age_days", "-1"},
		"age that overflows":  {logsink.Options{File: abs, MaxAgeDays: 200_000}, "max_age_days", "36500"},
		"size that overflows": {logsink.Options{File: abs, MaxSizeMB: 1 << 43}, "max_size_mb", "between"},
		"rotation of nothing": {logsink.Options{MaxBackups: 3}, "max_backups", "without a file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := c.o.Check()
			if c.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var field *logsink.FieldError
			if !errors.As(err, &field) || field.Field != c.field || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want field %q and %q", err, c.field, c.says)
			}
			if _, opened := logsink.OpenWith("feedd", c.o, logsink.Outside{}); opened == nil || opened.Error() != err.Error() {
				t.Errorf("Open says %v", opened)
			}
		})
	}
}

func TestNoName(t *testing.T) {
	if _, err := logsink.Open("", logsink.Options{}); err == nil {
		t.Error("opened a log of nobody")
	}
}
