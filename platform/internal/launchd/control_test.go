package launchd_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
)

const (
	bootstrap = "launchctl bootstrap system " + feeddFile
	bootout   = "launchctl bootout system/feedd"
)

var (
	gone    = answer{code: 113}
	running = loaded("state = running", "runs = 1", "pid = 7", "last exit code = (never exited)")
	leaving = loaded("state = SIGTERMed", "runs = 1", "pid = 7")
)

const ready = `{"process":{"pid":7},"phase":"ready"}`

func TestStartWaitsForTheLabel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// EIO although print knows it no more, then in progress, then it works.
		sys := installed(t, map[string][]answer{
			printFeedd: {gone, gone, gone, running},
			bootstrap:  {{code: 5}, {code: 37}, {}},
		})
		sys.files[stateFile] = ready
		if err := manager(sys).Start(t.Context(), feeddID); err != nil || sys.count(bootstrap) != 3 {
			t.Errorf("%v after %q", err, sys.ran)
		}
	})
}

// launchd would not start a disabled service again, so it must not be stopped for a restart.
func TestIssue11_WhatIsDisabledIsNotStoppedByARestart(t *testing.T) {
	sys := installed(t, map[string][]answer{
		printFeedd: {running}, "launchctl print-disabled system": {{out: "\t\"feedd\" => disabled\n"}},
	})
	err := manager(sys).Restart(t.Context(), feeddID)
	if !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), "launchctl enable system/feedd") || sys.did(bootout) {
		t.Errorf("%v, booted out: %v", err, sys.did(bootout))
	}
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := installed(t, map[string][]answer{
			printFeedd: {running, leaving, leaving, gone, running},
			bootout:    {{code: 36}}, bootstrap: {{}},
		})
		sys.files[stateFile] = ready
		if err := manager(sys).Restart(t.Context(), feeddID); err != nil || !sys.did(bootout) || sys.count(bootstrap) != 1 {
			t.Errorf("%v after %q", err, sys.ran)
		}
	})
}

// A service that launchd loads but does not start is kickstarted after a moment. A running one
// never is.
func TestStartKickstarts(t *testing.T) {
	const kickstart = "launchctl kickstart system/feedd"
	pended := loaded("state = not running", "runs = 0", "last exit code = (never exited)", "pended nondemand spawn = speculative")
	wait := append([]answer{gone}, slices.Repeat([]answer{pended}, 16)...)
	for _, tt := range []struct {
		name   string
		prints []answer
		state  string
		want   int
	}{
		{"pended", append(wait, running), ready, 1},
		{"a moment only", []answer{gone, pended, pended, running}, ready, 0},
		{"at once", []answer{gone, running}, ready, 0},
		{"never ready", []answer{gone, running}, `{"process":{"pid":7},"phase":"starting"}`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := installed(t, map[string][]answer{printFeedd: tt.prints, bootstrap: {{}}, kickstart: {{code: 37}}})
				sys.files[stateFile] = tt.state
				err := manager(sys).Start(t.Context(), feeddID)
				if (err == nil) != (tt.state == ready) || sys.count(kickstart) != tt.want {
					t.Errorf("%v after %q", err, sys.ran)
				}
			})
		})
	}
}

// A property list that launchd would not trust is not passed to it, and the running service is
// not stopped for it.
func TestStartChecksTheFile(t *testing.T) {
	for _, mode := range []fs.FileMode{0o666, 0o664, 0o646, fs.ModeSymlink | 0o644, fs.ModeDir | 0o755} {
		for name, do := range map[string]func(*launchd.Manager, context.Context, platform.ID) error{
			"start": (*launchd.Manager).Start, "restart": (*launchd.Manager).Restart,
		} {
			sys := installed(t, map[string][]answer{bootstrap: {{}}})
			if name == "restart" {
				sys.answers[printFeedd] = []answer{running}
			}
			sys.info = info{mode}
			err := do(manager(sys), t.Context(), feeddID)
			if !errors.Is(err, platform.ErrPermission) || !strings.Contains(err.Error(), "chmod 644 "+feeddFile) || sys.did(bootstrap) || sys.did(bootout) {
				t.Errorf("%s, mode %v: %v after %q", name, mode, err, sys.ran)
			}
		}
	}
}

// For every exit code of launchctl the error says what to do.
func TestEveryCodeSaysWhatToDo(t *testing.T) {
	for code := 1; code <= 170; code++ {
		synctest.Test(t, func(t *testing.T) {
			sys := installed(t, map[string][]answer{bootstrap: {{code: code}}})
			err := manager(sys).Start(t.Context(), feeddID)
			if err == nil || !strings.Contains(err.Error(), "it failed: ") {
				t.Errorf("code %d: %v", code, err)
			}
		})
	}
}

// Each failure has its sentinel error, and says what to do, within limited time.
func TestControlFails(t *testing.T) {
	start, stop, reload := (*launchd.Manager).Start, (*launchd.Manager).Stop, (*launchd.Manager).Reload
	const reloadFeedd = "/usr/local/bin/feedd reload --config /etc/feedd/feedd.toml --direct"
	for _, tt := range []struct {
		name    string
		do      func(*launchd.Manager, context.Context, platform.ID) error
		answers map[string][]answer
		state   string
		want    error
		word    string
	}{
		{"EIO for ever", start, map[string][]answer{bootstrap: {{code: 5}}}, "", platform.ErrTimeout, "plutil -lint " + feeddFile},
		{"disabled", start, map[string][]answer{bootstrap: {{code: 119}}}, "", platform.ErrPermission, "launchctl enable system/feedd"},
		{
			"disabled, as EIO", start,
			map[string][]answer{bootstrap: {{code: 5}}, "launchctl print-disabled system": {{out: "\t\"feedd\" => disabled\n"}}},
			"", platform.ErrPermission, "launchctl enable system/feedd",
		},
		{"no domain to be had", start, map[string][]answer{bootstrap: {{code: 156}}}, "", platform.ErrUnsupported, "log in"},
		{"quarantined", start, map[string][]answer{bootstrap: {{code: 155}}}, "", platform.ErrPermission, "xattr -d com.apple.quarantine"},
		{"not wanted in the background", start, map[string][]answer{bootstrap: {{code: 161}}}, "", platform.ErrPermission, "Login Items"},
		{"not here", start, map[string][]answer{bootstrap: {{code: 138}}}, "", platform.ErrUnsupported, "this version of macOS"},
		{"anything else", start, map[string][]answer{bootstrap: {{code: 131}}}, "", nil, "launchctl error 131"},
		{"not ours to read", start, map[string][]answer{bootstrap: {{code: 122}}}, "", platform.ErrPermission, "chmod 644 " + feeddFile},
		{"not root", start, map[string][]answer{bootstrap: {{code: 1}}}, "", platform.ErrPermission, "become root"},
		{"no property list", start, map[string][]answer{bootstrap: {{code: 109}}}, "", platform.ErrBadUnit, "install it again"},
		{"no such user", start, map[string][]answer{bootstrap: {{code: 114}}}, "", platform.ErrBadUnit, "install it again"},
		{"no domain", start, map[string][]answer{bootstrap: {{code: 125}}}, "", platform.ErrUnsupported, "log in"},
		{"bad session", start, map[string][]answer{bootstrap: {{code: 134}}}, "", platform.ErrUnsupported, "log in"},
		{"old launchctl", start, map[string][]answer{bootstrap: {{code: 64}}}, "", platform.ErrUnsupported, "10.11"},
		{"protected", start, map[string][]answer{bootstrap: {{code: 150}}}, "", platform.ErrPermission, "choose another name"},
		{
			"ends before it is ready", start,
			map[string][]answer{bootstrap: {{}}, printFeedd: {gone, running, loaded("state = spawn scheduled", "runs = 1", "last exit code = 1")}},
			"", nil, "exit code 1); see: tail -n 20 /var/log/feedd/feedd.log",
		},
		{
			"ends for good", start,
			map[string][]answer{bootstrap: {{}}, printFeedd: {gone, loaded("state = not running", "runs = 1", "last exit code = 0")}},
			"", nil, "it ended, and launchd does not try again",
		},
		{
			"no process at all", start,
			map[string][]answer{bootstrap: {{}}, printFeedd: {gone, loaded("state = not running", "runs = 1", "last exit code = 78: EX_CONFIG", "job state = spawn failed")}},
			"", nil, "cannot execute /usr/local/bin/feedd, or not write to /var/log/feedd/feedd.log",
		},
		{
			"killed, and the next one is there", start,
			map[string][]answer{bootstrap: {{}}, printFeedd: {gone, running, loaded("state = running", "runs = 2", "pid = 7", "last terminating signal = Killed: 9")}},
			"", nil, "killed by SIGKILL",
		},
		{"never ready", start, map[string][]answer{bootstrap: {{}}, printFeedd: {gone, running}}, "", platform.ErrTimeout, "not ready after 1m10s"},
		{"never gone", stop, map[string][]answer{bootout: {{}}, printFeedd: {running, leaving}}, "", platform.ErrTimeout, "not gone after 50s"},
		{"stop by a stranger", stop, map[string][]answer{bootout: {{code: 1}}, printFeedd: {running}}, "", platform.ErrPermission, "become root"},
		{"reload of what is stopped", reload, nil, "", platform.ErrNotRunning, ""},
		{"reload refused", reload, map[string][]answer{printFeedd: {running}, reloadFeedd: {{code: 1}}}, `{"process":{"pid":7},"reloads":{"last_error":"no"}}`, platform.ErrRejected, ""},
		{"reload not permitted", reload, map[string][]answer{printFeedd: {running}, reloadFeedd: {{code: 77}}}, "", platform.ErrPermission, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.answers == nil {
					tt.answers = map[string][]answer{}
				}
				sys := installed(t, tt.answers)
				if tt.state != "" {
					sys.files[stateFile] = tt.state
				}
				begun := time.Now()
				err := tt.do(manager(sys), t.Context(), feeddID)
				if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.word) {
					t.Errorf("error %v, want %v with %q", err, tt.want, tt.word)
				}
				if took := time.Since(begun); took > 80*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestControlOfNothing(t *testing.T) {
	sys := &machine{answers: map[string][]answer{}}
	m := manager(sys)
	for name, do := range map[string]func(context.Context, platform.ID) error{"start": m.Start, "stop": m.Stop, "restart": m.Restart, "reload": m.Reload} {
		if err := do(t.Context(), feeddID); !errors.Is(err, platform.ErrNotInstalled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := manager(installed(t, map[string][]answer{})).Stop(t.Context(), feeddID); err != nil {
		t.Errorf("stop of what is stopped: %v", err)
	}
	plain := launchd.New(installed(t, map[string][]answer{}), launchd.Options{UID: 501, Dirs: dirs})
	if err := plain.Start(t.Context(), feeddID); !errors.Is(err, platform.ErrPermission) {
		t.Errorf("as a plain user: %v", err)
	}
}

func TestControlDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		sys := installed(t, map[string][]answer{bootstrap: {{}}, printFeedd: {gone, running}})
		err := manager(sys).Start(ctx, feeddID)
		if !errors.Is(err, platform.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// A name that could change a command line is never used in one.
func TestControlBadName(t *testing.T) {
	sys := &machine{}
	m := manager(sys)
	for _, id := range []platform.ID{
		{Name: "-k", Scope: platform.ScopeSystem}, {Name: "a b", Scope: platform.ScopeUser}, {Name: "a", Instance: "/", Scope: platform.ScopeUser}, {Name: "a"},
	} {
		if _, err := m.Status(t.Context(), id); !errors.Is(err, platform.ErrBadUnit) || !errors.Is(m.Start(t.Context(), id), platform.ErrBadUnit) {
			t.Errorf("%+v: %v", id, err)
		}
	}
	if len(sys.ran) > 0 {
		t.Errorf("ran %q", sys.ran)
	}
}
