package service_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "feedd.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileIsLaidOverTheCodesValues(t *testing.T) {
	env := map[string]string{"A": "code", "B": "code"}
	base := service.Config{
		Name: "feedd", Description: "from code", StopTimeout: time.Minute, Env: env,
		Tables: []string{"feed"},
		File: write(t, `
[service]
display_name = "Feeder"
start_timeout = "90s"
env = { A = "file" }
[service.restart]
max = -1
[service.limits]
memory = "512M"
core = 0
nofile = 4096
[service.hardening]
private_tmp = false
protect_home = true
[feed]
anything = 1
`),
	}
	got, err := base.Load()
	if err != nil {
		t.Fatal(err)
	}
	checks := map[string][2]any{
		"description":   {got.Description, "from code"},
		"display_name":  {got.DisplayName, "Feeder"},
		"start_timeout": {got.StartTimeout, 90 * time.Second},
		"stop_timeout":  {got.StopTimeout, time.Minute},
		"reload":        {got.ReloadTimeout, 30 * time.Second},
		"restart.max":   {got.Restart.Max, -1},
		"policy":        {got.Restart.Policy, platform.RestartOnFailure},
		"memory":        {got.Limits.Memory, service.Size(512 << 20)},
		"nofile":        {got.Limits.NoFile, uint64(4096)},
		"private_tmp":   {got.Hardening.PrivateTmp, service.Off},
		"protect_home":  {got.Hardening.ProtectHome, service.On},
		"untouched":     {got.Hardening.ProtectSystem, service.On},
		"env":           {got.Env["A"] + got.Env["B"], "filecode"},
		"code's env":    {env["A"], "code"},
	}
	for name, c := range checks {
		if !reflect.DeepEqual(c[0], c[1]) {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
	if got.Limits.Core == nil || *got.Limits.Core != 0 {
		t.Errorf("core: %v, want 0 and not absent", got.Limits.Core)
	}
}

// Every mistake names file, line and key, and is ErrConfig (exit code 78).
func TestMistakesInTheFile(t *testing.T) {
	cases := map[string]struct {
		text string
		line string
		key  string
		says string
	}{
		"not TOML":                {"[service]\nname = feedd\n", ".toml:2", "name", ""},
		"unknown key":             {"[service]\n\nstop_timout = \"3s\"\n", ".toml:3", "service.stop_timout", `did you mean "stop_timeout"`},
		"unknown table":           {"[service]\n[shiper]\ninputs = []\n", ".toml:2", "shiper", "misspelt"},
		"unknown in subtable":     {"[service.restart]\ndelay = \"1s\"\nmaxx = 1\n", ".toml:3", "service.restart.maxx", ""},
		"wrong type":              {"[service]\nargs = 7\n", ".toml:2", "service.args", ""},
		"wrong type of bool":      {"[service.hardening]\nprivate_tmp = \"maybe\"\n", ".toml:2", "service.hardening.private_tmp", "maybe"},
		"not a duration":          {"[service]\nstart_timeout = \"soon\"\n", ".toml:2", "service.start_timeout", "soon"},
		"duration, no unit":       {"[service]\nstop_timeout = 30\n", ".toml:2", "service.stop_timeout", `"30s"`},
		"nested, no unit":         {"[service.restart]\nwindow = 30\n", ".toml:2", "service.restart.window", "unit"},
		"negative timeout":        {"[service]\n# why?\nstop_timeout = \"-3s\"\n", ".toml:3", "service.stop_timeout", "negative"},
		"empty name":              {"[service]\nname = \"\"\n", ".toml:2", "service.name", "empty"},
		"illegal name":            {"[service]\nname = \"a b\"\n", ".toml:2", "service.name", "a b"},
		"path as name":            {"[service]\nname = \"../etc\"\n", ".toml:2", "service.name", "../etc"},
		"long name":               {"[service]\nname = \"" + strings.Repeat("x", 101) + "\"\n", ".toml:2", "service.name", "100"},
		"bad policy":              {"[service.restart]\npolicy = \"sometimes\"\n", ".toml:2", "service.restart.policy", "on-failure"},
		"bad start on Windows":    {"[service.windows]\nstart = \"foo\"\n", ".toml:2", "service.windows.start", `"foo" is not one of delayed, auto, manual`},
		"bad preshutdown timeout": {"[service.windows]\npreshutdown_timeout = \"-1s\"\n", ".toml:2", "service.windows.preshutdown_timeout", "negative"},
		"bad process type":        {"[service.launchd]\nprocess_type = \"standard\"\n", ".toml:2", "service.launchd.process_type", `"standard" is not one of Standard, Background, Adaptive, Interactive`},
		"bad session types":       {"[service.launchd]\nsession_types = [\"Aqua\", \"Foo\"]\n", ".toml:2", "service.launchd.session_types", `"Foo" is not one of Aqua, Background, LoginWindow, StandardIO`},
		"bad umask":               {"[service]\numask = \"9\"\n", ".toml:2", "service.umask", "octal"},
		"relative directory":      {"[service]\nworking_directory = \"x\"\n", ".toml:2", "service.working_directory", "absolute"},
		"bad variable":            {"[service]\nenv = { \"A=B\" = \"x\" }\n", ".toml:2", "service.env", "A=B"},
		"bad size":                {"[service.limits]\nmemory = \"12 apples\"\n", ".toml:2", "service.limits.memory", "512M"},
		"bad level":               {"[service.log]\nlevel = \"loud\"\n", ".toml:2", "service.log.level", "loud"},
		"key set twice":           {"[service]\nname = \"a\"\nname = \"b\"\n", ".toml:3", "name", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.text)
			_, err := service.Config{Name: "feedd", File: path}.Load()
			if !errors.Is(err, service.ErrConfig) || service.ExitCode(err) != 78 {
				t.Fatalf("got %v", err)
			}
			for _, part := range []string{path, c.line, c.key, c.says} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q\ndoes not say %q", err, part)
				}
			}
		})
	}
}

// The tables of single managers. One of them takes keys that holdfast does not know.
func TestManagersOwnTables(t *testing.T) {
	got, err := service.Config{Name: "feedd", File: write(t, `
[service.windows]
start = "manual"
preshutdown_timeout = "3m"
[service.launchd.extra]
LowPriorityIO = true
[service.launchd.extra.Sockets.http]
SockServiceName = "8080"
`)}.Load()
	if err != nil {
		t.Fatal(err)
	}
	u, err := got.Unit("/opt/feedd", platform.ScopeSystem)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"LowPriorityIO": true, "Sockets": map[string]any{"http": map[string]any{"SockServiceName": "8080"}}}
	if !reflect.DeepEqual(u.Launchd.Extra, want) || u.Launchd.ProcessType != "Standard" {
		t.Errorf("launchd: %+v", u.Launchd)
	}
	if u.Windows.Start != platform.WindowsManual || u.Windows.Preshutdown != 3*time.Minute {
		t.Errorf("windows: %+v", u.Windows)
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	err := service.Config{Name: "a/b", StartTimeout: -1, Restart: service.Restart{Policy: "x"}}.Check()
	for _, key := range []string{"name", "start_timeout", "restart.policy"} {
		if !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%v\ndoes not name %s", err, key)
		}
	}
	if _, ok := errors.AsType[*service.FieldError](err); !ok {
		t.Error("no FieldError to be had")
	}
}

func TestMissingFile(t *testing.T) {
	_, err := service.Config{Name: "x", File: "/nonexistent/x.toml"}.Load()
	if !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), "/nonexistent/x.toml") {
		t.Error(err)
	}
}

func TestDecodeTable(t *testing.T) {
	type table struct {
		Inputs []string       `toml:"inputs"`
		Any    map[string]any `toml:"any"`
		Every  time.Duration  `toml:"every"`
	}
	good := write(t, "[service]\nname = \"x\"\n[feed]\ninputs = [\"/a\"]\nevery = \"3s\"\n")
	got := table{Every: time.Minute}
	if err := service.DecodeTable(good, "feed", &got); err != nil || got.Every != 3*time.Second || len(got.Inputs) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := service.DecodeTable(good, "absent", &got); err != nil || got.Every != 3*time.Second {
		t.Errorf("absent table: %+v, %v", got, err)
	}
	for text, says := range map[string]string{
		"[feed]\n\ninputz = []\n":                   `:3: feed.inputz`,
		"[feed]\nevery = 3\n":                       `:2: feed.every`,
		"[feed]\ninputs = 3\n":                      ".toml:2",
		"[feed]\n[feed.x]\ny = 1\n":                 `:2: feed.x`,
		"[feed]\n[feed.any]\nx.y = 1\n[feed.anz]\n": `:4: feed.anz`,
		"[feed\n":    ".toml:2: ",
		"feed = 3\n": ".toml:1",
	} {
		path := write(t, text)
		err := service.DecodeTable(path, "feed", &table{})
		if !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want one that says %q", text, err, says)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]service.Size{
		"0": 0, "1": 1, "4096": 4096, "1K": 1 << 10, "512M": 512 << 20, "2G": 2 << 30, "1T": 1 << 40, "3MiB": 3 << 20, "7B": 7,
	} {
		var got service.Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "M", "-1", "1.5G", "1X", "99999999999999999999", "9999999999T"} {
		var got service.Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

func FuzzSize(f *testing.F) {
	f.Add([]byte("512MiB"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s service.Size
		if err := s.UnmarshalText(text); err != nil && s != 0 {
			t.Errorf("%q: %d beside %v", text, s, err)
		} else if err == nil && s > 1<<63 {
			t.Errorf("%q: %d", text, s)
		}
	})
}

// A file used to make the commands look at another service than the one that the program was
// built for, but only when the file was named.
func TestIssue10_2_TheFileDoesNotRenameTheService(t *testing.T) {
	for name, tt := range map[string]struct{ code, file, says string }{
		"another":        {"feedd", "other", `:2: service.name: "other" is not this program's service, "feedd"`},
		"the same":       {"feedd", "feedd", ""},
		"the first word": {"", "feedd", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := service.Config{Name: tt.code, File: write(t, "[service]\nname = \""+tt.file+"\"\n")}
			got, err := c.Load()
			switch {
			case tt.says == "" && (err != nil || got.Name != "feedd"):
				t.Errorf("%q, %v", got.Name, err)
			case tt.says != "" && (!errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}
