package test_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// forged is text by which a service's user could control root's terminal or mislead root.
const forged = "\x1b]0;forged\x07\x1b[2J\r\u202e\n● feedd is ready"

// writes makes p's user write a record of the service.
func (p *place) writes(t *testing.T, path string, record any) {
	t.Helper()
	content, err := json.Marshal(record)
	must(t, err)
	must(t, os.WriteFile(path+".draft", content, 0o644))
	must(t, os.Chown(path+".draft", plainUser, plainUser))
	must(t, os.Rename(path+".draft", path))
}

// shown shows the forged text to root, again if the service has replaced it by its own
// record in the meantime.
func shown(t *testing.T, root *place, forge func()) {
	t.Helper()
	var text string
	wait.Until(t, "root is shown it", func() bool {
		forge()
		r := root.do(t, "status")
		text = r.out + r.err
		return strings.Contains(text, "forged")
	})
	if strings.ContainsAny(text, "\x1b\x07\r\u202e") || strings.Contains(text, "\n● feedd is ready") {
		t.Errorf("it has root's terminal do what the service's user likes: %q", text)
	}
}

// Whatever a service's user writes into its records, it moves no cursor on root's terminal
// and begins no line of `status`.
func TestIssue9_ARecordOfTheServicesUserForgesNoStatus(t *testing.T) {
	p := publicPlace(t, plainUser)
	root := p.as(0)
	a := p.ready(t, plan{})
	for name, forge := range map[string]func(*state.State){
		"status text":        func(s *state.State) { s.StatusText = forged },
		"configuration file": func(s *state.State) { s.ConfigFile = forged },
		"version":            func(s *state.State) { s.Version = forged },
		"phase":              func(s *state.State) { s.Phase = forged },
		"health":             func(s *state.State) { s.Health = []state.Health{{Name: forged, Error: forged}} },
		"reload":             func(s *state.State) { s.Reloads = state.Reloads{Completed: 1, Failed: 1, LastError: forged} },
		"stop": func(s *state.State) {
			s.Stop = &state.StopProgress{Reason: forged, Now: forged, Steps: []state.StopStep{{Name: forged, Error: forged}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := state.Read(p.stateFile())
			must(t, err)
			shown(t, root, func() {
				s := whole
				forge(&s)
				p.writes(t, p.stateFile(), s)
			})
			p.writes(t, p.stateFile(), whole)
		})
	}
	a.stop(t)
	last, err := recovery.Read(p.lastRun())
	must(t, err)
	last.Exit.Reason = forged
	shown(t, root, func() { p.writes(t, p.lastRun(), last) })
}
