package main_test

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	wrap "github.com/holdfast-dev/holdfast/examples/wrap"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	program "github.com/holdfast-dev/holdfast/service/wrap"
)

func words(line string) []string { return strings.Fields(line) }

func TestArguments(t *testing.T) {
	for line, want := range map[string]struct{ name, args, command string }{
		"":                                     {"", "", ""},
		"--help":                               {"", "--help", ""},
		"help":                                 {"", "help", ""},
		"status redis --json":                  {"redis", "status --json", ""},
		"redis status --json":                  {"redis", "status --json", ""},
		"redis":                                {"redis", "", ""},
		"help redis":                           {"redis", "help", ""},
		"config print redis":                   {"redis", "config print", ""},
		"redis config print":                   {"redis", "config print", ""},
		"redis run --config /a --scope system": {"redis", "run --config /a --scope system", ""},
		"redis run -- --verbose":               {"redis", "run -- --verbose", ""},
		"install redis --start -- redis --a -- b":           {"redis", "install --start", "redis --a -- b"},
		"redis install --set a=1 --set=b=2 --json -- redis": {"redis", "install --json", "redis"},
		"install redis --config /etc/x.toml":                {"redis", "install --config /etc/x.toml", ""},
	} {
		name, args, command, err := wrap.Parse(words(line))
		if err != nil || name != want.name || strings.Join(args, " ") != want.args || strings.Join(command, " ") != want.command {
			t.Errorf("%q: name %q, args %q, command %q, %v", line, name, args, command, err)
		}
	}
	for _, line := range []string{
		"install", "status", "install status -- x", "install a/b -- x", "install redis --", "install redis --config /a -- x",
		"install redis --set a=1", "status --json redis",
	} {
		if _, _, _, err := wrap.Parse(words(line)); err == nil {
			t.Errorf("%q is taken", line)
		}
	}
}

// The list of commands is that of the tree.
func TestVerbs(t *testing.T) {
	want := []string{"help"}
	for _, cmd := range cli.Command(service.Config{Name: "any"}, new(program.Program)).Commands() {
		want = append(want, cmd.Name())
	}
	slices.Sort(want)
	if got := wrap.Verbs(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A misspelt command is not taken for a name.
func TestMisspeltCommand(t *testing.T) {
	for line, want := range map[string]string{
		"instal redis":              `unknown command "instal": did you mean install?`,
		"instal redis -- redis":     `unknown command "instal": did you mean install?`,
		"statsu":                    `unknown command "statsu": did you mean status?`,
		"reload2 --instance blue x": `unknown command "reload2": did you mean reload?`,
	} {
		if _, _, _, err := wrap.Parse(words(line)); err == nil || err.Error() != want || cli.ExitCode(err) != platform.ExitUsage {
			t.Errorf("%q: %v", line, err)
		}
	}
	for line, want := range map[string]string{"instal status": "instal", "redis statsu": "redis", "redis": "redis"} {
		if name, _, _, err := wrap.Parse(words(line)); err != nil || name != want {
			t.Errorf("%q: name %q, %v", line, name, err)
		}
	}
}

func TestSecret(t *testing.T) {
	for set, want := range map[string]bool{
		"env.PASSWORD=x": true, "wrap.env.PASSWORD=x": true, "service.env.A=x": false, "ready.tcp=:1": false, "environment=x": false,
	} {
		if got := wrap.Secret("stop.grace=1s", set); got != want {
			t.Errorf("--set %s: %v", set, got)
		}
	}
}

// The configuration of the container is valid, and its marks are those that the probes look
// for.
func TestContainer(t *testing.T) {
	const path = "container/cache.toml"
	cfg, err := service.Config{Name: "cache", File: path, Tables: []string{"wrap"}}.Load()
	if err != nil {
		t.Fatal(err)
	}
	o := program.Defaults()
	if err := errors.Join(service.DecodeTable(path, "wrap", &o), o.Validate()); err != nil {
		t.Fatal(err)
	}
	if o.Stop.Grace >= cfg.StopTimeout || cfg.StopTimeout >= 30*time.Second {
		t.Errorf("a grace of %v within %v", o.Stop.Grace, cfg.StopTimeout)
	}
	pod, err := os.ReadFile("container/pod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{o.Ready.Mark, o.Health.Mark} {
		if !strings.Contains(string(pod), `"test", "-e", "`+mark+`"`) {
			t.Errorf("no probe looks for %q", mark)
		}
	}
}

// The file has the settings of the command line, and the service can read it.
func TestFile(t *testing.T) {
	text, err := wrap.File("web", []string{
		"ready.tcp=127.0.0.1:80", `health.command=["curl", "-f"]`, "health.threshold=4", "stop.grace=3s", "exit.3=0", "env.N=7", "service.user=www", "output.json=true",
	}, os.Args[0], "a b", `c"d\`)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := service.Config{Name: "web", File: "web.toml", Tables: []string{"wrap"}}.LoadAs(text)
	if err != nil || cfg.User != "www" {
		t.Fatalf("user %q, %v of\n%s", cfg.User, err, text)
	}
	path := t.TempDir() + "/web.toml"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := program.Defaults()
	if err := service.DecodeTable(path, "wrap", &o); err != nil {
		t.Fatalf("%v of\n%s", err, text)
	}
	if !slices.Equal(o.Command[1:], []string{"a b", `c"d\`}) || o.Ready.TCP != "127.0.0.1:80" || len(o.Health.Command) != 2 || o.Health.Threshold != 4 ||
		o.Stop.Grace.Seconds() != 3 || o.Exit["3"] != 0 || o.Env["N"] != "7" || !o.Output.JSON {
		t.Errorf("%+v of\n%s", o, text)
	}
	for _, bad := range []string{"tcp", "ready..tcp=1", "=1", "command.x=1", "wrap=1", ".=1"} {
		if _, err := wrap.File("web", []string{bad}, os.Args[0]); err == nil {
			t.Errorf("--set %q is taken", bad)
		}
	}
}

// A dry run succeeds without the file that it does not write, but not if the install would
// fail.
func TestInstallDryRun(t *testing.T) {
	manager := map[string]string{"linux": "systemd", "darwin": "launchd"}[runtime.GOOS]
	if manager == "" {
		t.Skip("there is no scope user")
	}
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"} {
		t.Setenv(name, home)
	}
	for _, tt := range []struct {
		set  string
		code int
	}{{"stop.grace=3s", 0}, {"nope=1", platform.ExitBadConfig}, {"stop.grace=never", platform.ExitBadConfig}} {
		code := wrap.Run("install", "web", "--dry-run", "--scope", "user", "--manager", manager, "--allow-writable-program", "--set", tt.set, "--", os.Args[0])
		if code != tt.code {
			t.Errorf("--set %s: exit code %d, want %d", tt.set, code, tt.code)
		}
	}
	if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
		t.Errorf("a dry run has written %v, %v", left, err)
	}
}
