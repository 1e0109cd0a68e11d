package launchd_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
)

var update = flag.Bool("update", false, "write the golden files anew")

var feeddID = platform.ID{Name: "feedd", Scope: platform.ScopeSystem}

// dirs returns the directories of a Mac.
func dirs(id platform.ID) (launchd.Dirs, error) {
	n := id.String()
	return launchd.Dirs{Runtime: "/var/db/" + n + "/run", State: "/var/db/" + n, Logs: "/var/log/" + n}, nil
}

// feedd returns a service with the defaults of a Config.
func feedd() platform.Unit {
	return platform.Unit{
		ID:            feeddID,
		Exec:          []string{"/usr/local/bin/feedd", "run", "--config", "/etc/feedd/feedd.toml"},
		Reload:        []string{"/usr/local/bin/feedd", "reload", "--config", "/etc/feedd/feedd.toml", "--direct"},
		StartTimeout:  time.Minute,
		StopTimeout:   30 * time.Second,
		ReloadTimeout: 30 * time.Second,
		Restart:       platform.Restart{Policy: platform.RestartOnFailure, Delay: 2 * time.Second, Max: 10, Window: 5 * time.Minute},
		Hardening:     platform.Hardening{ReadWritePaths: []string{"/srv"}},
	}
}

func everything() platform.Unit {
	u := feedd()
	mask, core := fs.FileMode(0), uint64(0)
	u.Instance = "west"
	u.Exec = []string{"/opt/feed d/100%/feedd", "run", "", " a  b ", `say "hi" \o/ 'x'`, "<string>&amp;]]>", "$HOME", "tab\there", "-x=y", "naïve 日本 𝄞"}
	u.Env = map[string]string{"B": "two words", "A": `quote " & < > \`, "EMPTY": ""}
	u.User, u.Group = "feed", "feed-g"
	u.WorkingDirectory = "/srv/feed d"
	u.Umask = &mask
	u.RuntimeDir = "/srv/run"
	u.Restart = platform.Restart{Policy: platform.RestartAlways, Delay: 1500 * time.Millisecond, Max: platform.NoLimit}
	u.Limits = platform.Limits{NoFile: 65536, NProc: 100, Core: &core, Nice: -5}
	u.Launchd = platform.Launchd{ProcessType: "Adaptive", Extra: map[string]any{
		"LowPriorityIO": true, "StartInterval": int64(300), "WatchPaths": []any{"/etc/feedd", "/srv/a & b"},
		"Sockets": map[string]any{"http": map[string]any{"SockServiceName": "8080", "Weight": 0.5}},
	}}
	return u
}

func plain() platform.Unit {
	return platform.Unit{
		ID: feeddID, Exec: []string{"/usr/local/bin/feedd", "run"},
		Hardening: platform.Hardening{Capabilities: []string{"all"}}, Restart: platform.Restart{Policy: platform.RestartNever},
	}
}

func ofUser() platform.Unit {
	u := feedd()
	u.Scope = platform.ScopeUser
	u.Launchd.SessionTypes = []string{"Aqua"}
	return u
}

func extra(key string, value any) func(*platform.Unit) {
	return func(u *platform.Unit) { u.Launchd.Extra = map[string]any{key: value} }
}

func render(u platform.Unit) ([]byte, error) {
	d, _ := dirs(u.ID)
	return launchd.Render(u, d)
}

func TestRender(t *testing.T) {
	for name, unit := range map[string]platform.Unit{"defaults": feedd(), "everything": everything(), "plain": plain(), "user": ofUser()} {
		t.Run(name, func(t *testing.T) {
			got, err := render(unit)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".plist")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("differs from %s (-update writes it):\n%s", golden, got)
			}
		})
	}
}

// Settings that cannot be expressed are refused by name.
func TestRenderRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		field string
		spoil func(*platform.Unit)
	}{
		{"no program", "command", func(u *platform.Unit) { u.Exec = nil }},
		{"relative program", "program path", func(u *platform.Unit) { u.Exec = []string{"feedd"} }},
		{"line break", "command", func(u *platform.Unit) { u.Exec = append(u.Exec, "a\n\tpid = 1") }},
		{"NUL", "reload command", func(u *platform.Unit) { u.Reload = append(u.Reload, "\x00") }},
		{"not UTF-8", "command", func(u *platform.Unit) { u.Exec = append(u.Exec, "\xff") }},
		{"no character of XML", "working_directory", func(u *platform.Unit) { u.WorkingDirectory = "/\uffff" }},
		{"escape in a variable", "env", func(u *platform.Unit) { u.Env = map[string]string{"A": "\x1b"} }},
		{"no name of a variable", "env", func(u *platform.Unit) { u.Env = map[string]string{"A=B": ""} }},
		{"our variable", "env", func(u *platform.Unit) { u.Env = map[string]string{"HOLDFAST_LAUNCHD": "never"} }},
		{"a user's user", "user", func(u *platform.Unit) { u.Scope, u.User = platform.ScopeUser, "feed" }},
		{"umask", "umask", func(u *platform.Unit) { m := fs.FileMode(0o1777); u.Umask = &m }},
		{"policy", "restart.policy", func(u *platform.Unit) { u.Restart.Policy = "sometimes" }},
		{"negative delay", "restart.delay", func(u *platform.Unit) { u.Restart.Delay = -1 * time.Second }},
		{"negative max", "restart.max", func(u *platform.Unit) { u.Restart.Max = -2 }},
		{"negative stop", "stop_timeout", func(u *platform.Unit) { u.StopTimeout = -time.Hour }},
		{"memory", "limits.memory", func(u *platform.Unit) { u.Limits.Memory = 1 }},
		{"tasks", "tasks", func(u *platform.Unit) { u.Limits.Tasks = 1 }},
		{"cpu", "cpu", func(u *platform.Unit) { u.Limits.CPU = 50 }},
		{"nice", "limits.nice", func(u *platform.Unit) { u.Limits.Nice = 21 }},
		{"precedence of a user", "limits.nice", func(u *platform.Unit) { u.Scope, u.Limits.Nice = platform.ScopeUser, -1 }},
		{"order", "after", func(u *platform.Unit) { u.After = []string{"network"} }},
		{"needs", "requires", func(u *platform.Unit) { u.Requires = []string{"postgresql"} }},
		{"groups", "hardening.supplementary_groups", func(u *platform.Unit) { u.Hardening.SupplementaryGroups = []string{"adm"} }},
		{"capabilities", "hardening.capabilities", func(u *platform.Unit) { u.Hardening.Capabilities = []string{"CAP_CHOWN"} }},
		{"process type", "launchd.process_type", func(u *platform.Unit) { u.Launchd.ProcessType = "Fast" }},
		{"sessions of a daemon", "launchd.session_types", func(u *platform.Unit) { u.Launchd.SessionTypes = []string{"Aqua"} }},
		{"no session", "launchd.session_types", func(u *platform.Unit) {
			u.Scope, u.Launchd.SessionTypes = platform.ScopeUser, []string{"aqua"}
		}},
		{"a key of ours", `launchd.extra "KeepAlive"`, extra("KeepAlive", true)},
		{"our program", `launchd.extra "Program"`, extra("Program", "/bin/sh")},
		{"a line break in a key", "launchd.extra", extra("A\nB", true)},
		{"an escape, deep", "launchd.extra", extra("A", map[string]any{"b": []any{"\x1b"}})},
		{"a value without a form", `launchd.extra "A"`, extra("A", struct{}{})},
		{"no value", `launchd.extra "A"`, extra("A", nil)},
		{"Apple's label", "com.apple", func(u *platform.Unit) { u.Name = "com.apple.feedd" }},
		{"bad label", "../x", func(u *platform.Unit) { u.Name = "../x" }},
		{"no scope", "scope", func(u *platform.Unit) { u.Scope = "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := feedd()
			tt.spoil(&u)
			got, err := render(u)
			if !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), tt.field) {
				t.Errorf("error %v, want %q; rendered %s", err, tt.field, got)
			}
		})
	}
	u := feedd()
	u.Env = map[string]string{"PASSWORD": "hunter2\n"}
	if _, err := render(u); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v: names a secret, or there is none", err)
	}
	if _, err := launchd.Render(feedd(), launchd.Dirs{Logs: "log"}); !errors.Is(err, platform.ErrBadUnit) {
		t.Errorf("relative log: %v", err)
	}
}

func TestThrottle(t *testing.T) {
	for _, tt := range []struct {
		r    platform.Restart
		want string
	}{
		{platform.Restart{}, "<integer>30<"},
		{platform.Restart{Delay: time.Millisecond, Max: platform.NoLimit}, "<integer>1<"},
		{platform.Restart{Policy: platform.RestartOnFailure, Delay: 1200 * time.Millisecond, Max: platform.NoLimit}, "<integer>2<"},
		{platform.Restart{Policy: platform.RestartOnFailure, Delay: time.Second, Max: 10, Window: 5 * time.Minute}, "<integer>30<"},
		{platform.Restart{Policy: platform.RestartAlways, Delay: time.Minute, Max: 10, Window: 5 * time.Minute}, "<integer>60<"},
	} {
		u := feedd()
		u.Restart = tt.r
		got, err := render(u)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(got), "<key>ThrottleInterval</key>")
		if line := strings.TrimSpace(rest[:min(len(rest), 40)]); !strings.HasPrefix(line, tt.want) {
			t.Errorf("%+v: %q, want %s", tt.r, line, tt.want)
		}
	}
}

func TestPolicyExitCode(t *testing.T) {
	for _, tt := range []struct {
		policy     launchd.Policy
		code, want int
	}{
		{"", 0, 0},
		{"", 75, 75},
		{"never", 78, 78},
		{"never", 0, 0},
		{"on-failure", 0, 0},
		{"on-failure", 1, 1},
		{"on-failure", 70, 70},
		{"on-failure", 2, 2},
		{"on-failure", 75, 0},
		{"on-failure", 77, 0},
		{"on-failure", 78, 0},
		{"always", 0, 1},
		{"always", 1, 1},
		{"always", 75, 0},
		{"always", 77, 0},
		{"always", 78, 0},
		{"always,3", 3, 3},
		{"on-failure,3", 3, 0},
		{"on-failure,3", 4, 4},
		{"on-success", 0, 0}, // under SuccessfulExit = true
		{"on-success,3", 3, 0},
		{"on-success", 1, 1},
		{"on-success", 75, 75},
		{"on-abnormal", 1, 0},
		{"on-abnormal", 70, 70},
		{"on-abnormal", 0, 0},
	} {
		if got := tt.policy.ExitCode(tt.code); got != tt.want {
			t.Errorf("%q: %d becomes %d, want %d", tt.policy, tt.code, got, tt.want)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Setenv("HOLDFAST_LAUNCHD", "always")
	if p := launchd.FromEnvironment(); p != "always" {
		t.Errorf("policy %q", p)
	}
	if _, left := os.LookupEnv("HOLDFAST_LAUNCHD"); left || launchd.FromEnvironment() != "" {
		t.Error("a child would take itself for the service")
	}
}
