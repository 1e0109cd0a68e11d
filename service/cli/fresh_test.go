package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// A service that does not exist is not uninstalled, and had no record.
func TestUninstallOfNothing(t *testing.T) {
	p := newPlace(t)
	p.m.st, p.m.none = platform.Status{Manager: "fake"}, true
	if code, err := p.run("uninstall"); code != 0 || p.out.String() != "feedd is not installed (fake).\n" || strings.Contains(p.errs.String(), "record") {
		t.Errorf("%d, %v\n%s%s", code, err, &p.out, &p.errs)
	}
}

// A service that is not installed has no versions to list.
func TestVersionsOfNothing(t *testing.T) {
	p := newPlace(t)
	p.m.st = platform.Status{Manager: "fake"}
	if code, err := p.run("versions"); code != 1 || !strings.Contains(fmt.Sprint(err), "not installed") || p.out.Len() > 0 {
		t.Errorf("%d, %v\n%s", code, err, &p.out)
	}
}

// Without versions `--json` prints no JSON. Without a readable record nobody knows which
// program's versions to list.
func TestVersionsOfWhatCannotBeKnown(t *testing.T) {
	p := newPlace(t)
	p.m.st = platform.Status{Manager: "fake"}
	p.wants("versions --json", 1, "not installed")
	p.m.st = platform.Status{Manager: "fake", Installed: true}
	p.wants("versions --json", 1, "not installed") // it has no record: of a package, say
	path := state.ManifestPath(filepath.Join(p.dir, "holdfast"), "feedd")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	p.put(path, "{")
	for _, args := range []string{"versions", "versions --json"} {
		p.wants(args, 1, filepath.ToSlash(path))
		if p.out.Len() > 0 {
			t.Errorf("%s: %s", args, &p.out)
		}
	}
	p.put(path, state.Manifest{Format: 1, Name: "feedd", Scope: platform.ScopeUser, Manager: "fake", Program: p.dir + "/gone"})
	p.wants("versions", 1, "gone")
}

// A start of a service that is not installed names the command that installs it.
func TestStartOfNothingNamesInstall(t *testing.T) {
	p := newPlace(t)
	p.m.st, p.m.acts = platform.Status{Manager: "fake"}, platform.ErrNotInstalled
	for _, verb := range []string{"start", "restart"} {
		p.wants(verb, 1, "not installed: feedd install --start installs and starts it", verb)
	}
}

// A user without permission learns who has it, instead of seeing the manager's command.
func TestAUserWhoMayNotIsToldWhoMay(t *testing.T) {
	for _, verb := range []string{"start", "stop", "restart", "reload"} {
		p := newPlace(t)
		p.cfg.Scope = platform.ScopeSystem
		running(p)
		p.m.acts = fmt.Errorf("%w: %w", platform.ErrPermission, &platform.CommandError{Argv: []string{"systemctl", verb}, Code: 4, Stderr: "Access denied\nSee system logs"})
		code, err := p.run(verb, "--scope", "system")
		if want := verb + ` "feedd": a system service: not permitted: become root`; code != 77 || fmt.Sprint(err) != want {
			t.Errorf("%d, %v", code, err)
		}
	}
}

// A restart of a service that does not run says once what it does not put into force.
func TestRestartTellsADriftOnce(t *testing.T) {
	p, set := installed(t, false)
	set("[service]\nuser = \"alice\"\n")
	p.m.on = func(string) {
		running(p)
		p.writes(feedd, platform.PhaseReady, nil)
	}
	p.wants("restart", 0, "user: feedd install applies that", "restart")
	if text := p.errs.String(); strings.Count(text, "definition of the service: user") != 1 {
		t.Error(text)
	}
}

// A failed start names what overrides the definition.
func TestWhyNamesDropIns(t *testing.T) {
	p := newPlace(t)
	p.m.acts = &platform.FailedError{How: "exit code 1"}
	p.m.st.Definition = &platform.Definition{Path: "/x", Ours: true, DropIns: []platform.DropIn{{Path: "/x.d/o.conf", Keys: []string{"ExecStart"}}}}
	if _, err := p.run("start"); err == nil || !strings.Contains(p.errs.String(), "changed from outside: /x.d/o.conf sets ExecStart") {
		t.Errorf("%v\n%s", err, &p.errs)
	}
}

// If the service was started before the configuration existed, reload says that it has not
// read it. If --config names a missing file, the error says that the service does not read
// that file.
func TestReloadSaysWhatItDoesNotRead(t *testing.T) {
	p := newPlace(t)
	running(p)
	p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.ConfigFile = "" })
	p.file("")
	code, err := p.run("reload")
	if want := "it reads no file and did not load " + p.cfg.File; code != 0 || !strings.Contains(p.errs.String(), want) {
		t.Errorf("%d, %v\n%s", code, err, &p.errs)
	}
	p.cfg.File = ""
	p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.ConfigFile = "/etc/feedd.toml" })
	none := filepath.Join(p.dir, "none.toml")
	if _, err := p.run("reload", "--config", none); !strings.Contains(fmt.Sprint(err), ", not "+none+": ") {
		t.Errorf("%v", err)
	}
}

// The flag --version of a program prints what its command version prints.
func TestVersionIsAFlagToo(t *testing.T) {
	cfg := service.Config{Name: "feedd", Version: "1.2"}
	want, err := drive(t, cli.Alone(cfg), "version")
	if err != nil || !strings.HasPrefix(want, "feedd 1.2\nholdfast ") {
		t.Fatalf("%v:\n%s", err, want)
	}
	if got, err := drive(t, cli.Alone(cfg), "--version"); err != nil || got != want {
		t.Errorf("%v:\n%s\nwant\n%s", err, got, want)
	}
}

// Without a shell, or with an unknown one, completion names the shells.
func TestCompletionNamesTheShells(t *testing.T) {
	for _, args := range []string{"completion", "completion tcsh", "completion bash zsh"} {
		newPlace(t).wants(args, platform.ExitUsage, "is not one of bash, fish, powershell, zsh")
	}
}

// The defaults of the log are the ones that `config print` has.
func TestConfigShowAllHasTheLogsDefaults(t *testing.T) {
	p := newPlace(t)
	p.wants("config show --all", 0, `service.log.level = "info"  # default`)
	p.wants("config show --all", 0, `service.log.max_backups = 7  # default`)
}

// A path that a switch hides is reported once, although two command lines contain it.
func TestPlanTellsAHiddenProgramOnce(t *testing.T) {
	_, err := command(t, service.Config{Name: "feedd"}, "plan", "--manager", "systemd", "--scope", "system", "--program", "/root/feedd")
	if strings.Count(fmt.Sprint(err), "hides it") != 1 {
		t.Errorf("%v", err)
	}
}

// An unknown command in a group of the host is an error too, at any depth.
func TestExecuteRefusesWhatAGroupOfTheHostDoesNotKnow(t *testing.T) {
	for args, want := range map[string]int{"db table bogus": 2, "db bogus": 2, "db table": 0, "db table --help bogus": 0, "db table list": 0, "help db table": 0} {
		root, _ := host(cli.Command(service.Config{Name: "acme-agent"}, nil))
		db, table := &cobra.Command{Use: "db"}, &cobra.Command{Use: "table"}
		table.AddCommand(&cobra.Command{Use: "list", Run: func(*cobra.Command, []string) {}})
		db.AddCommand(table)
		root.AddCommand(db)
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs(strings.Fields(args))
		if code := cli.Execute(root); code != want || want == 2 && out.Len() > 0 {
			t.Errorf("%s: %d\n%s", args, code, &out)
		}
	}
}
