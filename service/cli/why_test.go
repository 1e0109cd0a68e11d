package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// endsLike makes a verb leave the record of the run that it began.
func (p *place) endsLike(exit platform.Exit) func(string) {
	return func(string) {
		p.put(p.cfg.StateDir+"/feedd.lastrun.json", recovery.LastRun{Process: feedd, Started: noon.Add(time.Second), Ended: noon.Add(2 * time.Second), Exit: &exit})
	}
}

// Whoever types the command sees the program's own reason, the last lines of its log, and the
// class of its exit code, whatever the manager reports.
func TestIssue10_6_WhyAStartFailed(t *testing.T) {
	bad := platform.Exit{Code: 78, Reason: "feeds.toml line 7: port 99999"}
	for name, tt := range map[string]struct {
		fails error
		exit  *platform.Exit
		code  int
		says  []string
	}{
		"systemd": {
			&platform.FailedError{How: "exit code 78: its configuration cannot be used", Code: 78, Log: []string{"journalctl", "-u", "feedd"}}, &bad, 78,
			[]string{`start "feedd": the service failed: feeds.toml line 7: port 99999 (exit code 78: its configuration cannot be used); see: journalctl -u feedd`},
		},
		"systemd, before exec": {
			&platform.FailedError{How: "exit code 217: does the user exist?", Code: 78}, nil, 78, []string{"exit code 217: does the user exist?"},
		},
		// launchd sees another code than the program's, because it must not restart the program.
		"launchd": {&platform.FailedError{How: "it ended, and launchd does not try again"}, &bad, 78, []string{"feeds.toml line 7", "launchd does not try again"}},
		"sysv": {
			&platform.CommandError{Argv: []string{"/etc/init.d/feedd", "start"}, Code: 1}, &platform.Exit{Code: 77, Reason: "listen: permission denied"}, 77,
			[]string{`start "feedd": the service failed: listen: permission denied (exit code 77: it lacks a permission that it needs); see: `},
		},
		"scm":       {&platform.FailedError{How: "error 1053 of Windows", Code: 1}, nil, 1, []string{"1053"}},
		"a panic":   {&platform.FailedError{How: "exit code 70: it panicked"}, &platform.Exit{Code: 70, Reason: "panic in Start: x"}, 70, []string{"panic in Start: x"}},
		"too long":  {platform.ErrTimeout, nil, 1, []string{"took too long"}},
		"no reason": {errors.New("it failed"), nil, 1, []string{"it failed"}},
	} {
		for _, verb := range []string{"start", "restart", "install --start"} {
			t.Run(name+"/"+verb, func(t *testing.T) {
				p := newPlace(t)
				p.m.acts = fmt.Errorf("%s %q: %w", verb, "feedd", tt.fails)
				ends := func(string) {}
				if tt.exit != nil {
					ends = p.endsLike(*tt.exit)
				}
				p.m.logs = []string{p.dir + "/none"} // before it was started
				p.m.on = func(verb string) { p.m.logs = nil; ends(verb) }
				code, err := p.run(strings.Fields(verb)...)
				if code != tt.code {
					t.Errorf("exit code %d, want %d: %v", code, tt.code, err)
				}
				for _, says := range tt.says {
					if verb == "start" && (err == nil || !strings.Contains(err.Error(), says)) {
						t.Errorf("%v does not say %q", err, says)
					}
				}
				if out := p.errs.String(); !strings.Contains(out, "the last lines of its log:\n  1000 lines") {
					t.Errorf("the log is not shown: %q", out)
				}
				if tt.exit != nil && strings.Count(err.Error(), tt.exit.Reason) != 1 {
					t.Errorf("the reason is not told once: %v", err)
				}
			})
		}
	}
}

// The record of an earlier run does not apply to this start, and a start that was not tried
// has no log.
func TestWhyIsOfThisStart(t *testing.T) {
	p := newPlace(t)
	p.ended(&platform.Exit{Code: 78, Reason: "of old"})
	p.m.acts = errors.New("it failed")
	if code, err := p.run("start"); code != 1 || strings.Contains(err.Error(), "of old") {
		t.Errorf("%d, %v", code, err)
	}
	p.m.acts = platform.ErrPermission
	if _, err := p.run("start"); err == nil || strings.Contains(p.errs.String(), "lines") {
		t.Errorf("%v, %s", err, p.errs.String())
	}
}

// Lines that were logged before the start are not shown, in whatever order the manager shows
// them.
func TestWhyShowsTheLogOfThisStart(t *testing.T) {
	old := strings.Repeat("listening\nthe end of old\n", 3)
	for name, after := range map[string]string{
		"nothing new": old, "new lines": old + "of this start\n", "the latest first": "of this start\n" + old,
		"rotated": "of this start\n", "as many as are asked for": old[len("listening\n"):] + "of this start\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.cfg.Log.File = filepath.Join(p.dir, "log")
			p.put(p.cfg.Log.File, old)
			p.m.on = func(string) { p.put(p.cfg.Log.File, after) }
			p.m.acts = errors.New("it failed")
			_, err := p.run("start")
			if out := p.errs.String(); err == nil || strings.Contains(out, "old") || strings.Contains(out, "  of this start\n") != (name != "nothing new") {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

// The end of our own log file is shown, safe for a terminal.
func TestWhyShowsTheLogFile(t *testing.T) {
	p := newPlace(t)
	p.cfg.Log.File = filepath.Join(p.dir, "log")
	p.put(p.cfg.Log.File, "")
	p.m.on = func(string) {
		p.put(p.cfg.Log.File, strings.Repeat("old\n", 100)+"bad \x1b[31m port\n"+strings.Repeat("x", 1000)+"\n")
	}
	p.m.acts = errors.New("it failed")
	_, err := p.run("start")
	out := p.errs.String()
	if err == nil || !strings.Contains(out, "port\n") || strings.Contains(out, "\x1b") || strings.Count(out, "\n") != 10 || len(out) > 700 {
		t.Errorf("%v: %q", err, out)
	}
}

// A stop that was forced, or a step of which failed, is not a silent 0.
func TestIssue10_6_ForcedStopIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		exit *platform.Exit
		args string
		code int
		says string
	}{
		"in order":           {&platform.Exit{Clean: true, Reason: "asked to stop by SIGTERM"}, "stop", 0, ""},
		"forced":             {&platform.Exit{Code: 1, Reason: "asked to stop by SIGTERM, then forced to exit"}, "stop", 79, "did not stop in order: asked to stop by SIGTERM, then forced"},
		"killed":             {nil, "stop", 79, "gone, but did not stop in order: it was killed before it had stopped"},
		"killed, as wished":  {nil, "stop --kill", 79, "did not stop in order: it was killed before"},
		"forced, --kill":     {&platform.Exit{Code: 1, Reason: "then forced to exit"}, "stop --kill", 79, "did not stop in order: then forced"},
		"failing by itself":  {&platform.Exit{Code: 1, Reason: "no feed"}, "stop", 0, ""},
		"forced by the hand": {&platform.Exit{Code: 1, Reason: "forced to exit"}, "stop --manager none", 79, "did not stop in order"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.runs(feedd, "fake")
			phase := platform.PhaseReady
			if strings.HasPrefix(name, "failing") {
				phase = platform.PhaseStarting
			}
			p.writes(feedd, phase, nil)
			p.m.st.Phase, p.m.st.PID = phase, feedd.PID
			end := func() {
				p.ends(feedd.PID)
				p.put(p.cfg.StateDir+"/feedd.lastrun.json", recovery.LastRun{Process: feedd, Started: noon.Add(-time.Hour), Exit: tt.exit})
			}
			p.m.on = func(string) { end() }
			p.signalled = func(proc.Identity, os.Signal) error { end(); return nil }
			code, err := p.run(strings.Fields(tt.args)...)
			if code != tt.code || tt.says != "" && !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("%d, %v", code, err)
			}
		})
	}
}

// This tests what status says about a service that has failed, waits, or is asked to stop.
func TestIssue10_4_StatusSaysWhatIsSo(t *testing.T) {
	for name, tt := range map[string]struct {
		set      func(p *place)
		says     []string
		saysNone string
	}{
		"killed, within the delay": {func(p *place) {
			p.m.st.Phase, p.m.st.LastExit, p.m.st.EndedAt = platform.PhaseStarting, killed, noon.Add(-time.Second)
			p.m.st.Next = &platform.NextTry{At: noon.Add(2 * time.Second), Number: 3, Max: 10, Window: time.Minute}
		}, []string{"is failed since", "next try in 2s, 3 of 10", "killed by SIGKILL", "log  1000 lines"}, "is starting"},
		"before exec, with an older clean record": {func(p *place) {
			p.ended(&platform.Exit{Clean: true, Reason: "asked to stop by SIGTERM"})
			p.m.st.Phase, p.m.st.EndedAt = platform.PhaseFailed, noon
			p.m.st.LastExit = &platform.Exit{Code: 217, Reason: "exit-code", Means: "does the user exist?"}
		}, []string{"is failed", "exit code 217: does the user exist?", "1000 lines"}, "asked to stop"},
		"in a crash loop, just started": {func(p *place) {
			p.runs(feedd, "fake")
			p.writes(feedd, platform.PhaseStarting, func(s *state.State) { s.Restarts, s.LastExit = 4, killed })
			p.m.st.Phase, p.m.st.PID, p.m.st.Restarts = platform.PhaseStarting, feedd.PID, 4
		}, []string{"again, after a failure (4 restarts)"}, ""},
		"a watchdog's death": {func(p *place) {
			p.m.st.Phase, p.m.st.LastExit = platform.PhaseFailed, &platform.Exit{Code: -1, Signal: "SIGABRT", Reason: "watchdog"}
		}, []string{"not clean: watchdog, killed by SIGABRT"}, "trace"},
		"ready, after a failed reload": {func(p *place) {
			p.runs(feedd, "fake")
			p.writes(feedd, platform.PhaseReady, func(s *state.State) {
				s.PhaseSince, s.ReadyAt, s.Reloads = noon.Add(-time.Second), noon.Add(-50*time.Second), state.Reloads{Completed: 1, Failed: 1, LastError: "bad", LastEnd: noon}
			})
			p.m.st.Phase, p.m.st.PID = platform.PhaseReady, feedd.PID
		}, []string{"(50s ago)"}, "(1s ago)"},
		"restarts of long ago": {func(p *place) {
			p.cfg.Restart.Window = 10 * time.Second
			p.runs(feedd, "fake")
			p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.ReadyAt = noon.Add(-50 * time.Second) })
			p.m.st.Phase, p.m.st.PID, p.m.st.Restarts = platform.PhaseReady, feedd.PID, 300
		}, []string{"is ready"}, "300"},
		"a user's without linger": {func(p *place) { p.m.st.Enabled, p.m.st.AtLogin = true, true }, []string{"installed, starts at login"}, "boot"},
		"a clean end has no code": {func(p *place) {
			p.ended(&platform.Exit{Clean: true, Code: 143, Reason: "asked to stop by SIGTERM"})
		}, []string{"clean: asked to stop by SIGTERM\n"}, "143"},
		"the program was replaced": {func(p *place) {
			p.runs(feedd, "fake")
			p.writes(feedd, platform.PhaseReady, nil)
			p.m.st.Phase, p.m.st.PID, p.replaced = platform.PhaseReady, feedd.PID, true
		}, []string{"the program on disk is newer than the running one"}, ""},
		"which step is at work": {func(p *place) {
			p.runs(feedd, "fake")
			p.writes(feedd, platform.PhaseStopping, func(s *state.State) {
				s.Stop = &state.StopProgress{Reason: "SIGTERM", Steps: []state.StopStep{{Name: "end of Start"}}, Now: "Stop"}
			})
			p.m.st.Phase, p.m.st.PID = platform.PhaseStopping, feedd.PID
		}, []string{"SIGTERM; 1 steps done; at work: Stop"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			tt.set(p)
			_, _ = p.run("status")
			out := p.out.String()
			for _, says := range tt.says {
				if !strings.Contains(out, says) {
					t.Errorf("does not say %q:\n%s", says, out)
				}
			}
			if tt.saysNone != "" && strings.Contains(out, tt.saysNone) {
				t.Errorf("says %q:\n%s", tt.saysNone, out)
			}
		})
	}
}

// lagging is a manager whose log is behind.
type lagging struct{ *manager }

func (l lagging) FilteredLogs(id platform.ID, f platform.LogFilter) []string {
	return l.Logs(id, f.Lines, false)
}

func (l lagging) SyncLogs(ctx context.Context) error {
	if _, limited := ctx.Deadline(); !limited {
		l.p.t.Error("it may hang")
	}
	l.p.m.logs = nil
	return nil
}

// systemd can notice the end of a service before journald has read its last lines. An upgrade
// then gave "killed or crashed without a trace" as the reason, instead of the panic.
func TestWhatTheLogDoesNotHaveYetIsWaitedFor(t *testing.T) {
	p := newPlace(t)
	p.m.logs = []string{filepath.Join(p.dir, "none")}
	m := p.machine()
	m.Manager = func(string) (platform.Manager, error) { return lagging{p.m}, nil }
	p.m.acts = errors.New("it failed")
	if err := p.runOn(t.Context(), m, "start"); err == nil || !strings.Contains(p.errs.String(), "the last lines of its log:\n  1000 lines") {
		t.Errorf("%v:\n%s", err, p.errs.String())
	}
}
