package launchd_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
)

func TestPlan(t *testing.T) {
	const disabled = "disabled services = {\n\t\"feedd\" => disabled\n\t\"other\" => enabled\n}\n"
	for _, tt := range []struct {
		name string
		sys  *machine
		unit func(*platform.Unit)
		want []string
	}{
		{"for another machine", &machine{}, nil, []string{
			"run install -d -m 0750 /var/log/feedd <- drop-dir",
			"write-file " + feeddFile,
			"run launchctl enable system/feedd",
		}},
		{"again, where somebody disabled it", installed(t, map[string][]answer{"launchctl print-disabled system": {{out: disabled}}}), nil, []string{
			"run install -d -m 0750 /var/log/feedd <- drop-dir",
			"write-file " + feeddFile,
			"run launchctl enable system/feedd <- launchctl disable system/feedd",
		}},
		{"as another user", &machine{answers: map[string][]answer{}}, func(u *platform.Unit) { u.User, u.Group, u.StateDir = "feed", "wheel", "/srv/state" }, []string{
			"run install -d -m 0750 -o feed -g wheel /var/log/feedd <- drop-dir",
			"run install -d -m 0755 -o feed -g wheel /srv/state <- drop-dir",
			"run install -d -m 0755 -o feed -g wheel /var/db/feedd/run <- drop-dir",
			"write-file " + feeddFile,
			"run launchctl enable system/feedd",
		}},
		{
			"for a user at the screen", &machine{answers: map[string][]answer{"launchctl print gui/501": {{}}}},
			func(u *platform.Unit) { u.Scope, u.Instance = platform.ScopeUser, "west" },
			[]string{
				"run mkdir -p /Users/ann/Library/LaunchAgents <- drop-dir",
				"run install -d -m 0750 /var/log/feedd@west <- drop-dir",
				"write-file /Users/ann/Library/LaunchAgents/feedd@west.plist",
				"run launchctl enable gui/501/feedd@west",
			},
		},
		{
			"for a user elsewhere", &machine{answers: map[string][]answer{}, files: map[string]string{"/Users/ann/Library/LaunchAgents": ""}},
			func(u *platform.Unit) { u.Scope = platform.ScopeUser },
			[]string{
				"run install -d -m 0750 /var/log/feedd <- drop-dir",
				"write-file /Users/ann/Library/LaunchAgents/feedd.plist",
				"run launchctl enable user/501/feedd",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := feedd()
			if tt.unit != nil {
				tt.unit(&u)
			}
			m := launchd.New(tt.sys, launchd.Options{UID: 501, Home: "/Users/ann", Dirs: dirs})
			steps, err := m.Plan(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(steps); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("steps\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			for _, s := range steps {
				if s.Describe == "" || s.Kind == platform.StepWriteFile && s.Mode != 0o644 {
					t.Errorf("step %+v", s)
				}
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	stranger := strings.Replace(installed(t, nil).files[feeddFile], "<key>Holdfast</key>", "<key>Other</key>", 1)
	elsewhere := map[string][]answer{printFeedd: {{out: "system/feedd = {\n\tpath = /System/Library/LaunchDaemons/feedd.plist\n}\n"}}}
	for _, tt := range []struct {
		name string
		sys  *machine
		word string
	}{
		{"a property list by hand", &machine{files: map[string]string{feeddFile: stranger}}, feeddFile},
		{"no property list", &machine{files: map[string]string{feeddFile: "#!/bin/sh"}}, feeddFile},
		{"Apple's service", &machine{answers: elsewhere}, "/System/Library"},
	} {
		steps, err := manager(tt.sys).Plan(t.Context(), feedd())
		if !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), tt.word) {
			t.Errorf("%s: error %v, steps %v", tt.name, err, lines(steps))
		}
		if tt.sys.files == nil {
			continue
		}
		if steps, err := manager(tt.sys).Removal(t.Context(), feeddID); !errors.Is(err, platform.ErrPermission) {
			t.Errorf("%s: removal: error %v, steps %v", tt.name, err, lines(steps))
		}
	}
}

func TestRemoval(t *testing.T) {
	const gone, rest = "run launchctl print system/feedd until", "remove-dir /var/db/feedd/run"
	for _, tt := range []struct {
		name    string
		answers map[string][]answer
		want    []string
	}{
		{"running", map[string][]answer{printFeedd: {loaded("state = running", "pid = 7")}}, []string{
			"run launchctl bootout system/feedd <- start ?", gone, "remove-file " + feeddFile, rest,
		}},
		{"loaded", map[string][]answer{printFeedd: {loaded("state = not running")}}, []string{
			"run launchctl bootout system/feedd ?", gone, "remove-file " + feeddFile, rest,
		}},
		{"disabled, by the word of macOS 12", map[string][]answer{"launchctl print-disabled system": {{out: "\t\"feedd\" => true\n"}}}, []string{
			"run launchctl enable system/feedd <- launchctl disable system/feedd", "remove-file " + feeddFile, rest,
		}},
		{"stopped", map[string][]answer{}, []string{"remove-file " + feeddFile, rest}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			steps, err := manager(installed(t, tt.answers)).Removal(t.Context(), feeddID)
			if got := lines(steps); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%v, steps\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			for _, s := range steps {
				if s.Until != 0 && (s.Until != 113 || s.Within != 50*time.Second) {
					t.Errorf("waits for %d within %v", s.Until, s.Within)
				}
			}
		})
	}
	if steps, err := manager(&machine{}).Removal(t.Context(), feeddID); steps != nil || err != nil {
		t.Errorf("not installed: %v, %v", lines(steps), err)
	}
}

func TestStatus(t *testing.T) {
	const written = `{"name":"feedd","process":{"pid":7},"phase":"reloading","phase_since":"2026-01-02T03:04:05Z","status_text":"busy"}`
	failed := &platform.Exit{Code: 3, Reason: "exit code"}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		print []answer
		state string
		want  platform.Status
	}{
		{"stopped", nil, "", platform.Status{Phase: platform.PhaseStopped}},
		{
			"running, silent",
			[]answer{loaded("state = running", "runs = 1", "pid = 7", "last exit code = (never exited)")},
			"",
			platform.Status{Phase: platform.PhaseStarting, PID: 7},
		},
		{
			"running, speaking",
			[]answer{loaded("state = running", "runs = 3", "pid = 7", "last exit code = 3")},
			written,
			platform.Status{Phase: platform.PhaseReloading, PID: 7, Restarts: 2, LastExit: failed, Since: since, Text: "busy"},
		},
		{
			"running, another's state",
			[]answer{loaded("state = running", "pid = 8")},
			written,
			platform.Status{Phase: platform.PhaseStarting, PID: 8},
		},
		{
			"being stopped",
			[]answer{loaded("state = SIGTERMed", "pid = 7")},
			written,
			platform.Status{Phase: platform.PhaseStopping, PID: 7, Since: since, Text: "busy"},
		},
		{
			"waiting to be restarted",
			[]answer{loaded("state = spawn scheduled", "runs = 2", "last exit code = 3")},
			written,
			platform.Status{Phase: platform.PhaseStarting, Restarts: 1, LastExit: failed, Next: &platform.NextTry{Delay: 30 * time.Second}},
		},
		{
			"killed",
			[]answer{loaded("state = spawn scheduled", "last terminating signal = Killed: 9")},
			"",
			platform.Status{Phase: platform.PhaseStarting, LastExit: &platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "signal: Killed"}, Next: &platform.NextTry{Delay: 30 * time.Second}},
		},
		{
			"ended well",
			[]answer{loaded("state = not running", "last exit code = 0")},
			"",
			platform.Status{Phase: platform.PhaseStopped, LastExit: &platform.Exit{Clean: true, Reason: "exit code"}},
		},
		{
			"explained",
			[]answer{loaded("last exit code = 78: EX_CONFIG", "job state = spawn failed")},
			"",
			platform.Status{Phase: platform.PhaseStarting, LastExit: &platform.Exit{Code: 78, Reason: "exit code"}, Next: &platform.NextTry{Delay: 30 * time.Second}},
		},
		{
			"another format altogether",
			[]answer{{out: "{\"state\": 3}\n\t = \n\tpid = x\n"}},
			"",
			platform.Status{Phase: platform.PhaseStarting},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sys := installed(t, map[string][]answer{})
			if tt.print != nil {
				sys.answers[printFeedd] = tt.print
			}
			if tt.state != "" {
				sys.files[stateFile] = tt.state
			}
			tt.want.Manager, tt.want.Installed, tt.want.Enabled = "launchd", true, true
			got, err := manager(sys).Status(t.Context(), feeddID)
			if got.Definition == nil || !got.Definition.Ours {
				t.Errorf("definition %v", got.Definition)
			}
			got.Definition = nil
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%v\n%+v, want\n%+v", err, got, tt.want)
			}
		})
	}
	if got, err := manager(&machine{answers: map[string][]answer{}}).Status(t.Context(), feeddID); err != nil || got.Installed || got.Enabled || got.Phase != platform.PhaseStopped {
		t.Errorf("absent: %+v, %v", got, err)
	}
}

func TestLogs(t *testing.T) {
	m := manager(installed(t, nil))
	for want, got := range map[string][]string{
		"tail -n 20 /var/log/feedd/feedd.log":     m.Logs(feeddID, 20, false),
		"tail -n 0 -F /var/log/feedd/feedd.log":   m.Logs(feeddID, 0, true),
		"tail -n +1 /var/log/feedd@a/feedd@a.log": m.Logs(platform.ID{Name: "feedd", Instance: "a", Scope: platform.ScopeSystem}, -1, false),
	} {
		if strings.Join(got, " ") != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
