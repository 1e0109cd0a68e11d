package launchd_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/launchd"
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

// Each failure has its sentinel, and says what to do, within bounded time.
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
			"", nil, "for good",
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

// A name never reaches a command line that it could change.
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
