package proc_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

func TestParseArguments(t *testing.T) {
	for raw, want := range map[string]string{
		"\x02\x00\x00\x00/usr/local/bin/feed d\x00\x00\x00feedd\x00run\x00PATH=/bin\x00": "/usr/local/bin/feed d",
		"\x01\x00\x00\x00/a\x00":       "/a",
		"\x01\x00\x00\x00./feedd\x00x": "",
		"\x01\x00\x00\x00\x00/x\x00":   "",
		"\x01\x00\x00\x00/cut off":     "",
		"\x01\x00\x00\x00":             "",
		"/x\x00":                       "",
		"":                             "",
	} {
		if got := proc.ParseArguments([]byte(raw)); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}
