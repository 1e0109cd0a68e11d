package scm_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
)

var update = flag.Bool("update", false, "write the golden files anew")

func unit(name string) platform.Unit {
	return platform.Unit{
		ID: platform.ID{Name: name, Scope: platform.ScopeSystem}, Exec: []string{`C:\Program Files\Feed\feedd.exe`, "run"},
	}
}

func everything() platform.Unit {
	mask := os.FileMode(0o027)
	u := unit("feedd")
	u.Instance, u.DisplayName, u.Description, u.Version = "two", "Feed", "Feeds the world: <now> & \"then\"", "1.2"
	u.Exec = append(u.Exec, "--config", `C:\ProgramData\feedd\feedd.toml`, "--", `a "b" c\`, "ü")
	u.Env = map[string]string{"TOKEN": "a b=c", "GOMAXPROCS": "2"}
	u.User, u.Umask = `nt service\FEEDD@two`, &mask
	u.RuntimeDir, u.StateDir = `D:\feed\run`, `D:\feed\state`
	u.After, u.Requires = []string{"EventLog", "RpcSs"}, []string{"rpcss", "postgresql-x64-16"}
	u.StartTimeout, u.StopTimeout, u.ReloadTimeout, u.Watchdog = time.Minute, 45*time.Second, 15*time.Second, time.Second
	u.Restart = platform.Restart{Policy: platform.RestartAlways, Delay: 2500 * time.Millisecond, Max: 2, Window: 90500 * time.Millisecond}
	u.Hardening = platform.Hardening{Capabilities: []string{"all"}}
	u.Supervise = true
	u.Windows = platform.Windows{Start: platform.WindowsAuto, Preshutdown: time.Minute, Dependencies: []string{"+NetworkProvider", "rpcss", "Tcpip"}}
	return u
}

func TestRender(t *testing.T) {
	never := unit("feedd")
	never.Restart.Policy = platform.RestartNever
	never.Windows.Start = platform.WindowsManual
	endless := unit("feedd")
	endless.Restart = platform.Restart{Policy: platform.RestartOnFailure, Delay: time.Second, Max: platform.NoLimit}
	for name, u := range map[string]platform.Unit{"plain": unit("feedd"), "everything": everything(), "never": never, "endless": endless} {
		t.Run(name, func(t *testing.T) {
			r, err := scm.Render(u, dirs)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || string(got) != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("%v, got\n%s", err, got)
			}
		})
	}
}

func TestAccounts(t *testing.T) {
	for user, want := range map[string]string{
		"": "LocalSystem", "localsystem": "LocalSystem", `NT AUTHORITY\SYSTEM`: "LocalSystem",
		"LocalService": `NT AUTHORITY\LocalService`, `nt authority\networkservice`: `NT AUTHORITY\NetworkService`,
		`NT SERVICE\feedd`: `NT SERVICE\feedd`, `nt service\FEEDD`: `NT SERVICE\feedd`, `CORP\feed$`: `CORP\feed$`,
	} {
		u := unit("feedd")
		u.User = user
		if r, err := scm.Render(u, dirs); err != nil || r.Account != want {
			t.Errorf("%q is %q, %v, want %q", user, r.Account, err, want)
		}
	}
}

// An account with a password is accepted together with the password file, under the name that
// Windows uses.
func TestAccountsWithPasswords(t *testing.T) {
	for user, want := range map[string]string{"ann": `.\ann`, `.\ann`: `.\ann`, `CORP\ann`: `CORP\ann`, "ann@corp.example": "ann@corp.example"} {
		u := unit("feedd")
		u.User, u.Windows.PasswordFile = user, `C:\secret`
		r, err := scm.Render(u, dirs)
		if err != nil || r.Account != want || r.Parameters["PasswordFile"] != `C:\secret` {
			t.Errorf("%q is %+v, %v", user, r, err)
		}
		u.Windows.PasswordFile = "secret"
		if _, err := scm.Render(u, dirs); err == nil {
			t.Errorf("%q: the file is anywhere", user)
		}
	}
	for _, user := range []string{"", "LocalService", `NT SERVICE\feedd`, `CORP\feed$`} {
		u := unit("feedd")
		u.User, u.Windows.PasswordFile = user, `C:\secret`
		if r, err := scm.Render(u, dirs); err == nil {
			t.Errorf("%q has a password: %+v", user, r)
		}
	}
}

// What the SCM cannot do is refused by the name of the setting.
func TestRefusals(t *testing.T) {
	mask, core := os.FileMode(0o077), uint64(0)
	for field, change := range map[string]func(*platform.Unit){
		"scope":                             func(u *platform.Unit) { u.Scope = platform.ScopeUser },
		`scope ""`:                          func(u *platform.Unit) { u.Scope = "" },
		"name":                              func(u *platform.Unit) { u.Name = "a b" },
		`name "Microsoft"`:                  func(u *platform.Unit) { u.Name = "Microsoft" },
		"display_name":                      func(u *platform.Unit) { u.DisplayName = strings.Repeat("x", 257) },
		"description":                       func(u *platform.Unit) { u.Description = "a\x00b" },
		"command":                           func(u *platform.Unit) { u.Exec = nil },
		"program path":                      func(u *platform.Unit) { u.Exec[0] = "feedd.exe" },
		`command "a\x00"`:                   func(u *platform.Unit) { u.Exec = append(u.Exec, "a\x00") },
		"percent":                           func(u *platform.Unit) { u.Exec = append(u.Exec, "%TEMP%") },
		"password":                          func(u *platform.Unit) { u.User = `CORP\ann` },
		"the virtual account of this":       func(u *platform.Unit) { u.User = `NT SERVICE\mail` },
		"group":                             func(u *platform.Unit) { u.Group = "feed" },
		"umask":                             func(u *platform.Unit) { u.Umask = &mask },
		"working_directory":                 func(u *platform.Unit) { u.WorkingDirectory = `C:\x` },
		`env "A=B"`:                         func(u *platform.Unit) { u.Env = map[string]string{"A=B": "c"} },
		`env "path": is the same as "PATH"`: func(u *platform.Unit) { u.Env = map[string]string{"PATH": "a", "path": "b"} },
		`env "N"`:                           func(u *platform.Unit) { u.Env = map[string]string{"N": "secret\x00"} },
		`after "+group"`:                    func(u *platform.Unit) { u.After = []string{"+group"} },
		`requires "a/b"`:                    func(u *platform.Unit) { u.Requires = []string{"a/b"} },
		`after "FEEDD"`:                     func(u *platform.Unit) { u.After = []string{"FEEDD"} },
		"restart.policy":                    func(u *platform.Unit) { u.Restart.Policy = "sometimes" },
		"restart.max":                       func(u *platform.Unit) { u.Restart = platform.Restart{Policy: "always", Max: 1001} },
		"restart.delay":                     func(u *platform.Unit) { u.Restart = platform.Restart{Policy: "always", Delay: -1e6} },
		"stop_timeout":                      func(u *platform.Unit) { u.StopTimeout = 60 * 24 * time.Hour },
		"windows.start":                     func(u *platform.Unit) { u.Windows.Start = "boot" },
		"windows.preshutdown_timeout":       func(u *platform.Unit) { u.Windows.Preshutdown = time.Second },
		`windows.dependencies "+"`:          func(u *platform.Unit) { u.Windows.Dependencies = []string{"+"} },
		"limits.nofile":                     func(u *platform.Unit) { u.Limits.NoFile = 1 },
		"limits.nproc":                      func(u *platform.Unit) { u.Limits.NProc = 1 },
		"limits.core":                       func(u *platform.Unit) { u.Limits.Core = &core },
		"limits.memory":                     func(u *platform.Unit) { u.Limits.Memory = 1 },
		"limits.tasks":                      func(u *platform.Unit) { u.Limits.Tasks = 1 },
		"limits.cpu":                        func(u *platform.Unit) { u.Limits.CPU = 1 },
		"limits.nice":                       func(u *platform.Unit) { u.Limits.Nice = 1 },
		"hardening.supplementary_groups":    func(u *platform.Unit) { u.Hardening.SupplementaryGroups = []string{"x"} },
		"hardening.capabilities":            func(u *platform.Unit) { u.Hardening.Capabilities = []string{"CAP_NET_BIND_SERVICE"} },
	} {
		t.Run(field, func(t *testing.T) {
			u := unit("feedd")
			u.Exec = slices.Clone(u.Exec)
			change(&u)
			_, err := scm.Render(u, dirs)
			if !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), field) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error("a value of the environment is told")
			}
		})
	}
}
