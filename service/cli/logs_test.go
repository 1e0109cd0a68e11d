package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

func TestLogsOfAFile(t *testing.T) {
	var all strings.Builder
	for i := range 20000 { // more than one block of the search
		fmt.Fprintf(&all, "line %d\n", i+1)
	}
	cases := map[string]struct {
		text string
		n    string
		want string
	}{
		"last two":              {all.String(), "2", "line 19999\nline 20000\n"},
		"more than one block":   {all.String(), "15000", all.String()[strings.Index(all.String(), "line 5001\n"):]},
		"more than there are":   {"a\nb\n", "10", "a\nb\n"},
		"all":                   {"a\nb\n", "-1", "a\nb\n"},
		"none":                  {"a\nb\n", "0", ""},
		"no newline at the end": {"a\nb\nc", "1", "c"},
		"empty":                 {"", "5", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := config(t, c.text)
			cfg := service.Config{
				Name: "feedd", Log: logsink.Options{File: path},
				RuntimeDir: filepath.Dir(path), StateDir: filepath.Dir(path),
			}
			out, err := command(t, cfg, "logs", "--manager", "none", "-n", c.n)
			if err != nil || out != c.want {
				t.Errorf("%v: %.60q, want %.60q", err, out, c.want)
			}
		})
	}
}
