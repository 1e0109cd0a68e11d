//go:build linux || darwin

package behaviour_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// noFalseAlarm fails the test if doctor reports more than a note on a service that a script
// has left healthy: it is ready, status has no note on it, and its checks and reloads are in
// order.
func (s *stage) noFalseAlarm(t *testing.T, script string) {
	t.Helper()
	ctx, done := wait.Context(t, context.Background(), "doctor")
	defer done()
	const ask = `
for c in /etc/shipper*.toml; do
	test -f "$c" || continue
	status=$(cd / && shipper status --json --config "$c" 2>/dev/null) || continue
	printf '%s\n\000' "$status" "$(cd / && shipper doctor --json --config "$c")"
done`
	stdout, _, code, err := s.bed.Run(ctx, "/bin/sh", "-c", ask)
	if err != nil || code < 0 { // a bed that is off, or a machine made of air
		return
	}
	answers := strings.Split(stdout, "\000")
	for len(answers) > 1 {
		var h health
		if json.Unmarshal([]byte(answers[0]), &h) == nil && h.ok() {
			var o opinion
			err := json.Unmarshal([]byte(answers[1]), &o)
			rolledBack := slices.ContainsFunc(o.Findings, func(f finding) bool { return f.ID == "upgrade-rolled-back" }) // as the script wanted
			if err != nil || o.alarming() && !rolledBack {
				t.Errorf("after %s, on a healthy service: a false alarm of doctor (%v):\n%s\n%s", script, err, answers[1], answers[0])
			}
		}
		answers = answers[2:]
	}
}

// health has the parts of status that show whether a service is healthy.
type health struct {
	Ready   bool     `json:"ready"`
	Notes   []string `json:"notes"`
	Trial   string   `json:"trial"`
	Reloads struct {
		LastError string `json:"last_error"`
	} `json:"reloads"`
	Health []struct {
		OK bool `json:"ok"`
	} `json:"health"`
}

func (h health) ok() bool {
	for _, check := range h.Health {
		if !check.OK {
			return false
		}
	}
	return h.Ready && len(h.Notes) == 0 && h.Trial == "" && h.Reloads.LastError == ""
}
