package cli_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// If a run ends without a word (os.Exit, kill -9), the reason of the run before does not
// apply, although it is in its state file.
func TestWhyIsNotOfTheRunBefore(t *testing.T) {
	panicked := platform.Exit{Code: 70, Reason: "panic in Start: of the run before"}
	for name, tt := range map[string]struct {
		fails error
		says  string
	}{
		"systemd": {&platform.FailedError{How: "exit code 3"}, "the service failed (exit code 3)"},
		"sysv": {
			&platform.CommandError{Argv: []string{"/etc/init.d/feedd", "start"}, Code: 1, Stderr: "feedd: it ended"},
			"the service failed (killed or crashed without a trace); see: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.m.acts = fmt.Errorf("start: %w", tt.fails)
			p.m.on = func(string) {
				p.writes(feedd, platform.PhaseStarting, func(s *state.State) {
					s.StartedAt, s.LastExit = noon.Add(time.Second), &panicked
				})
				p.put(p.cfg.StateDir+"/feedd.lastrun.json", recovery.LastRun{Process: feedd, Started: noon.Add(time.Second)})
				p.ends(feedd.PID)
			}
			code, err := p.run("start")
			if code != 1 || strings.Contains(fmt.Sprint(err), "of the run before") || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("%d, %v", code, err)
			}
		})
	}
}

// If a script ends with "not permitted" because the program did, the start was tried: the
// program's own words and its log are shown.
func TestWhyAScriptWasNotPermitted(t *testing.T) {
	p := newPlace(t)
	p.m.acts = fmt.Errorf("start: %w: %w", platform.ErrPermission,
		&platform.CommandError{Argv: []string{"/etc/init.d/feedd", "start"}, Code: 4, Stderr: "feedd: it ended before it was ready\nfeedd: see its log"})
	ends := p.endsLike(platform.Exit{Code: 77, Reason: "Start: open the thing: permission denied"})
	p.m.logs = []string{p.dir + "/none"} // before it was started
	p.m.on = func(verb string) { p.m.logs = nil; ends(verb) }
	code, err := p.run("start")
	want := `start "feedd": the service failed: Start: open the thing: permission denied (exit code 77: it lacks a permission that it needs); see: `
	if code != 77 || !strings.HasPrefix(fmt.Sprint(err), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%d, %v", code, err)
	}
	if out := p.errs.String(); !strings.Contains(out, "the last lines of its log:\n") {
		t.Errorf("the log is not shown: %q", out)
	}
	p.m.on = nil
	p.put(p.cfg.StateDir+"/feedd.lastrun.json", recovery.LastRun{})
	if code, err := p.run("start"); code != 77 || !errors.Is(err, platform.ErrPermission) || strings.Contains(p.errs.String(), "the last lines") {
		t.Errorf("%d, %v, %s", code, err, p.errs.String())
	}
}
