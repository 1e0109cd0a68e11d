package sysv_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/sysv"
)

var update = flag.Bool("update", false, "write the golden files anew")

// feedd is a service as a Config's defaults make it.
func feedd() platform.Unit {
	const program = "/usr/local/bin/feedd"
	own := func(verb string, args ...string) []string {
		return append([]string{program, verb, "--scope", "system", "--manager", "none"}, args...)
	}
	return platform.Unit{
		ID:          platform.ID{Name: "feedd", Scope: platform.ScopeSystem},
		Description: "Feeds the shipper",
		Exec:        []string{program, "run"},
		Reload:      []string{program, "reload", "--direct"},
		Own: platform.Commands{
			Check: own("check"), Status: own("status"), Stop: own("stop", "--kill"), Await: own("await"),
			Spawn: []string{program, "spawn", "--umask", "0027"}, Supervise: own("supervise", "--delay", "2s"),
		},
		StartTimeout: 30 * time.Second, StopTimeout: 20 * time.Second, ReloadTimeout: time.Minute,
		Restart:   platform.Restart{Policy: platform.RestartOnFailure, Delay: 2 * time.Second, Max: 5, Window: time.Minute},
		Hardening: platform.Hardening{NoNewPrivileges: true, ProtectSystem: true},
	}
}

func everything() platform.Unit {
	u := feedd()
	mask, core := fs.FileMode(0o077), uint64(0)
	u.Instance = "west"
	u.Exec = []string{"/opt/feed d/it's/feedd", "run", "", "a b", `say "hi" \o/`, "$HOME", "$(touch /tmp/x)", "`id`", ";", "line\nbreak", "-x=y", "naïve"}
	u.Env = map[string]string{"B": "two words", "A": "it's $(touch /tmp/x)\n`id` \\ \"", "EMPTY": "", "PATH": "/opt/bin"}
	u.User, u.Group = "feed", "feed-g"
	u.WorkingDirectory = "/srv/feed d"
	u.Umask = &mask
	u.StateDir = "/srv/state dir"
	u.After, u.Requires = []string{"postgresql.service", "network-online.target", "ntp"}, []string{"postgresql", "feedd@east"}
	u.Limits = platform.Limits{NoFile: 65536, NProc: 100, Core: &core, Nice: -5}
	u.Hardening.SupplementaryGrps = []string{"adm"}
	u.Supervise = true
	return u
}

func TestRender(t *testing.T) {
	for name, u := range map[string]platform.Unit{"defaults": feedd(), "everything": everything()} {
		t.Run(name, func(t *testing.T) {
			got, err := sysv.Render(u)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".init")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("differs from %s (-update writes it):\n%s", golden, got)
			}
			if i := strings.IndexByte(string(got), '@'); i >= 0 && strings.Contains(string(got), "@NAME@") {
				t.Error("a place in the template is not filled")
			}
			lint(t, got)
		})
	}
}

// lint has a shell and shellcheck judge a script, where this machine has them.
func lint(t *testing.T, script []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, script, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{{"dash", "-n"}, {"bash", "--posix", "-n"}, {"shellcheck", "--norc"}} {
		path, err := exec.LookPath(argv[0])
		if err != nil {
			t.Logf("not judged by %s: it is not here", argv[0])
			continue
		}
		if out, err := exec.Command(path, append(argv[1:], file)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v:\n%s", argv[0], err, out)
		}
	}
}

func TestRefused(t *testing.T) {
	limits := platform.Limits{Memory: 1, Tasks: 2, CPU: 3, Nice: 20}
	for name, tt := range map[string]struct {
		change func(*platform.Unit)
		fields []string
	}{
		"user scope":        {func(u *platform.Unit) { u.Scope = platform.ScopeUser }, []string{"services of the machine only"}},
		"no scope":          {func(u *platform.Unit) { u.Scope = "" }, []string{"scope"}},
		"odd name":          {func(u *platform.Unit) { u.Name = "a;b" }, []string{"name"}},
		"name with path":    {func(u *platform.Unit) { u.Name = "../x" }, []string{"name"}},
		"odd instance":      {func(u *platform.Unit) { u.Instance = "a b" }, []string{"name"}},
		"taken name":        {func(u *platform.Unit) { u.Name = "lock" }, []string{"name"}},
		"backup":            {func(u *platform.Unit) { u.Name = "feedd.bak" }, []string{"insserv"}},
		"leftover":          {func(u *platform.Unit) { u.Name = "feedd.dpkg-old" }, []string{"insserv"}},
		"limits":            {func(u *platform.Unit) { u.Limits = limits }, []string{"limits.memory", "limits.tasks", "limits.cpu", "limits.nice"}},
		"capabilities":      {func(u *platform.Unit) { u.User = "feed"; u.Hardening.Capabilities = []string{"CAP_CHOWN"} }, []string{"hardening.capabilities"}},
		"odd accounts":      {func(u *platform.Unit) { u.User, u.Group = "a:b", "-g" }, []string{"user", "group"}},
		"odd groups":        {func(u *platform.Unit) { u.Hardening.SupplementaryGrps = []string{"a,b"} }, []string{"supplementary_groups"}},
		"relative paths":    {func(u *platform.Unit) { u.WorkingDirectory, u.Exec = "srv", []string{"feedd"} }, []string{"working_directory", "command"}},
		"no commands":       {func(u *platform.Unit) { u.Exec, u.Own, u.Reload = nil, platform.Commands{}, nil }, []string{"command", "status command", "reload command"}},
		"NUL":               {func(u *platform.Unit) { u.Exec = append(u.Exec, "a\x00b") }, []string{"command"}},
		"no text":           {func(u *platform.Unit) { u.Env = map[string]string{"A": "\xff"} }, []string{"env"}},
		"odd variable":      {func(u *platform.Unit) { u.Env = map[string]string{"A B": ""} }, []string{"env"}},
		"the shell's own":   {func(u *platform.Unit) { u.Env = map[string]string{"PPID": "1"} }, []string{"env"}},
		"two lines":         {func(u *platform.Unit) { u.Description = "a\n### END INIT INFO" }, []string{"description"}},
		"unit of systemd":   {func(u *platform.Unit) { u.After = []string{"multi-user.target"} }, []string{"after"}},
		"odd requirement":   {func(u *platform.Unit) { u.Requires = []string{"a b"} }, []string{"requires"}},
		"odd policy":        {func(u *platform.Unit) { u.Restart.Policy = "sometimes" }, []string{"restart.policy"}},
		"relative own dirs": {func(u *platform.Unit) { u.RuntimeDir, u.StateDir = "run", "state" }, []string{"runtime directory", "state directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			u := feedd()
			tt.change(&u)
			_, err := sysv.Render(u)
			if !errors.Is(err, platform.ErrBadUnit) {
				t.Fatalf("got %v", err)
			}
			for _, field := range tt.fields {
				if !strings.Contains(err.Error(), field) {
					t.Errorf("%v does not name %s", err, field)
				}
			}
		})
	}
}

// A secret does not show in an error.
func TestErrorsKeepSecrets(t *testing.T) {
	u := feedd()
	u.Env = map[string]string{"A-B": "hunter2"}
	if _, err := sysv.Render(u); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func FuzzRender(f *testing.F) {
	f.Add("a b", "it's", "x")
	f.Fuzz(func(t *testing.T, arg, value, description string) {
		u := feedd()
		u.Exec, u.Env, u.Description = append(u.Exec, arg), map[string]string{"A": value}, description
		script, err := sysv.Render(u)
		if err != nil {
			return
		}
		// However it is quoted, the header ends where it does, and once.
		if strings.Count(strings.SplitAfter(string(script), "set -u")[0], "### END INIT INFO\n") != 1 {
			t.Errorf("header of %q:\n%s", description, script)
		}
	})
}
