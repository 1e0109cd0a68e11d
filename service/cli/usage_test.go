package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Senseless values are usage errors, whoever detects them (issue 10).
func TestIssue10_SenselessFlagsAreUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"status", "--timeout", "-5s"},
		{"start", "--timeout", "0s"},
		{"status", "--config", ""},
		{"install", "--config="},
		{"plan", "--program", ""},
		{"plan", "--program", "feedd"},
		{"install", "--user="},
		{"install", "--copy-to="},
		{"check", "--manager="},
		{"status", "--scope="},
		{"stop", "--state-dir="},
		{"stop", "--runtime-dir="},
		{"status", "--instance", "a/b"},
		{"logs", "--since="},
		{"completion", "tcsh"},
		{"completion"},
	} {
		p := newPlace(t)
		if code, err := p.run(args...); code != platform.ExitUsage || len(p.did) > 0 {
			t.Errorf("%q: exit code %d, did %q: %v", args, code, p.did, err)
		}
	}
	p := newPlace(t)
	p.cfg.Instance = "two"
	if code, err := p.run("status", "--instance="); code != 3 {
		t.Errorf("the plain service of a program with an instance: %d, %v", code, err)
	}
}

// filtered is a manager that can filter its log.
type filtered struct{ *manager }

func (filtered) FilteredLogs(_ platform.ID, f platform.LogFilter) []string {
	return []string{"journal", f.Since, f.Priority}
}

// A journal is a system whose journal does not accept every time and priority.
type journal struct {
	system
	broken bool
}

func (j journal) Run(ctx context.Context, argv ...string) (string, error) {
	if _, limited := ctx.Deadline(); !limited {
		j.p.t.Errorf("%q may hang", argv)
	}
	if j.broken || slices.Contains(argv, "foo") {
		return "", &platform.CommandError{Argv: argv, Code: 1, Stderr: "Failed to parse: foo\n", Err: errors.New("exit status 1")}
	}
	return "", nil
}

// A time or priority that the manager does not understand is a usage error, and the manager's
// message is printed once.
func TestIssue10_LogsOfNonsense(t *testing.T) {
	for args, want := range map[string]int{
		"logs --since foo": platform.ExitUsage, "logs -p foo": platform.ExitUsage, "logs --since today -p foo": platform.ExitUsage,
		"logs --since today": -1, // there is no such program
	} {
		p := newPlace(t)
		m := p.machine()
		m.Manager = func(string) (platform.Manager, error) { return filtered{p.m}, nil }
		m.System = journal{system: system{p}}
		err := p.runOn(t.Context(), m, strings.Fields(args)...)
		if code := cli.ExitCode(err); want > 0 && code != want || want < 0 && code == platform.ExitUsage {
			t.Errorf("%s: %v", args, err)
		}
		if want > 0 && strings.Count(fmt.Sprint(err), "Failed to parse") != 1 {
			t.Errorf("%s: %v", args, err)
		}
		for flag, allowed := range map[string]string{"-p foo": "it takes emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7", "--since foo": "it takes a time that long ago (1h, 10m), or"} {
			if args == "logs "+flag && !strings.Contains(fmt.Sprint(err), allowed) {
				t.Errorf("%s: it does not say what is allowed: %v", args, err)
			}
		}
		m.System = journal{system: system{p}, broken: true}
		if err := p.runOn(t.Context(), m, strings.Fields(args)...); cli.ExitCode(err) == platform.ExitUsage {
			t.Errorf("a journal that cannot be read is no matter of usage: %v", err)
		}
	}
	for range 20 { // of two, it is always the same that is named
		p := newPlace(t)
		m := p.machine()
		m.Manager = func(string) (platform.Manager, error) { return filtered{p.m}, nil }
		m.System = journal{system: system{p}}
		if err := p.runOn(t.Context(), m, "logs", "-p", "foo", "--since", "foo"); !strings.Contains(fmt.Sprint(err), "logs --since ") {
			t.Fatal(err)
		}
	}
}

// hosted is acme with a command that wants a flag, and one that fails.
func hosted(p *place) *cobra.Command {
	acme, _ := host(cli.CommandOn(p.machine(), p.cfg, nil))
	strict := &cobra.Command{Use: "strict", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return nil }}
	strict.Flags().Int("n", 0, "how many")
	strict.Flags().Int("must", 0, "needed")
	if err := strict.MarkFlagRequired("must"); err != nil {
		p.t.Fatal(err)
	}
	acme.AddCommand(strict)
	return acme
}

// Errors in the host's own command line are reported like ours, with the same codes.
func TestIssue10_TheHostsUsageErrors(t *testing.T) {
	for args, want := range map[string]int{
		"bogus": 2, "--bogus": 2, "other --bogus": 2, "strict extra --must 1": 2, "strict --n x": 2, "strict": 2, "strict --must 1": 0,
		"other": 1, "admin acme-agent status --bogus": 2, "admin acme-agent bogus": 2, "admin acme-agent reload": 1,
	} {
		acme := hosted(newPlace(t))
		acme.SetArgs(strings.Fields(args))
		if code := cli.Execute(acme); code != want {
			t.Errorf("acme %s: exit code %d, want %d", args, code, want)
		}
	}
	for args, want := range map[string]int{"other --bogus": 2, "strict --n x": 2, "other": 1} { // as far as it can be known without
		_, err := drive(t, hosted(newPlace(t)), strings.Fields(args)...)
		if code := cli.ExitCode(err); code != want {
			t.Errorf("acme %s: exit code %d, want %d: %v", args, code, want, err)
		}
	}
}

// A mounted tree has its manual, and completion for the whole program.
func TestIssue10_CompletionAndManualAreThere(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		for _, bare := range []string{"", " --no-descriptions"} {
			acme := hosted(newPlace(t))
			text, err := drive(t, acme, strings.Fields("admin acme-agent completion "+shell+bare)...)
			if err != nil || !strings.Contains(text, "acme") || len(text) < 1000 {
				t.Errorf("%s: %v\n%.100s", shell, err, text)
			}
		}
	}
	dir := filepath.Join(t.TempDir(), "usr", "man8")
	if _, err := drive(t, hosted(newPlace(t)), "admin", "acme-agent", "man", dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "acme-admin-acme-agent-status.8")); err != nil {
		t.Error(err)
	}
}

// --quiet leaves out confirmations, and nothing else.
func TestIssue10_Quiet(t *testing.T) {
	for args, quiet := range map[string]bool{
		"install --program /usr/sbin/feedd": true, "uninstall": true, "start": true, "stop": true, "restart": true, "reload": true,
		"install --program /usr/sbin/feedd --start": true,
		"install --json --program /usr/sbin/feedd":  false, "status": false, "version": false, "plan --program /usr/sbin/feedd": false,
	} {
		p := newPlace(t)
		running(p)
		p.writes(feedd, platform.PhaseReady, nil)
		p.m.on = func(verb string) { p.gone[feedd.PID] = verb == "stop" }
		_, err := p.run(append(strings.Fields(args), "--quiet")...)
		if err != nil && !cli.Silent(err) && !strings.HasPrefix(args, "uninstall") {
			t.Errorf("%s: %v", args, err)
		}
		if said := p.out.String() + strings.TrimPrefix(p.errs.String(), fmt.Sprintf("Error: %v\n", err)); (said == "") != quiet {
			t.Errorf("%s --quiet says %q", args, said)
		}
	}
	p := newPlace(t)
	p.m.fails = errors.New("no way")
	if _, err := p.run("start", "--quiet"); err == nil || !strings.Contains(p.errs.String(), "no way") {
		t.Errorf("an error is not told: %q", &p.errs)
	}
}

// The host may use the letter q.
func TestIssue10_QuietLeavesTheHostItsLetter(t *testing.T) {
	p := newPlace(t)
	acme := hosted(p)
	acme.PersistentFlags().BoolP("quick", "q", false, "at once")
	if _, err := drive(t, acme, "admin", "acme-agent", "version", "-q", "--quiet"); err != nil {
		t.Error(err)
	}
	var letter string
	cli.Alone(service.Config{Name: "feedd"}).PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "quiet" {
			letter = f.Shorthand
		}
	})
	if letter != "q" {
		t.Errorf("alone, it is -%s", letter)
	}
}

// Each instance is compared with its own configuration.
func TestIssue10_InstancesHaveTheirOwnConfiguration(t *testing.T) {
	p := newPlace(t)
	p.m.st = platform.Status{Manager: "fake", Phase: platform.PhaseStopped}
	p.m.instances = map[string]platform.Status{"one": {Manager: "fake", Installed: true, Phase: platform.PhaseReady, PID: feedd.PID}}
	p.put(p.cfg.StateDir+"/feedd@one.lastrun.json", "{}")
	p.held["feedd@one"] = singleton.Holder{Identity: feedd, UID: os.Geteuid(), Since: noon.Add(-time.Minute), Origin: "fake"}
	s := state.State{Name: "feedd@one", Process: feedd, Phase: platform.PhaseReady, PhaseSince: noon, StartedAt: noon, Settings: map[string]string{}}
	if err := state.Write(state.Path(p.cfg.RuntimeDir, "feedd@one"), s); err != nil {
		t.Fatal(err)
	}
	p.file("[service]\n")
	told := p.cfg.File
	p.cfg.File = ""
	m := state.Manifest{Name: "feedd", Scope: p.cfg.Scope, Manager: "fake", Told: map[string]string{"config": told}, Program: "/usr/sbin/feedd"}
	if _, err := state.WriteManifestStep(state.ManifestPath(filepath.Join(p.dir, "holdfast"), "feedd"), &m); err != nil {
		t.Fatal(err)
	}
	p.m.st.Installed = true
	if _, err := p.run("status", "--all"); err != nil && !cli.Silent(err) {
		t.Fatal(err)
	}
	_, one, ok := strings.Cut(p.out.String(), "feedd@one")
	if !ok || strings.Contains(one, "another configuration") || strings.Contains(one, told) {
		t.Errorf("got\n%s", &p.out)
	}
}

// A reload checks the file that the service reads, and no other.
func TestIssue10_ReloadIsOfTheServicesFile(t *testing.T) {
	for name, tt := range map[string]struct {
		reads, args string
		code        int
		says        string
		did         []string
	}{
		"the same":            {"feedd.toml", "reload --config feedd.toml", 0, "", []string{"reload"}},
		"another":             {"feedd.toml", "reload --config other.toml", 1, "feedd.toml, not", nil},
		"none":                {"", "reload --config other.toml", 1, "the service reads no file, not", nil},
		"nobody named one":    {"feedd.toml", "reload", 0, "", []string{"reload"}},
		"by the manager":      {"feedd.toml", "reload --direct --no-wait --config other.toml", 0, "", []string{"signal 70 hangup"}},
		"a bad one, another":  {"feedd.toml", "reload --config bad.toml", 1, "feedd.toml, not", nil},
		"a bad one, the same": {"bad.toml", "reload --config bad.toml", 78, "bad.toml:2: ", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			running(p)
			for file, text := range map[string]string{"feedd.toml": "[service]\n", "other.toml": "[service]\n", "bad.toml": badKey} {
				p.put(filepath.Join(p.dir, file), text)
			}
			in := func(file string) string {
				if file == "" {
					return ""
				}
				return filepath.Join(p.dir, file)
			}
			p.signalled = func(proc.Identity, os.Signal) error { return nil }
			p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.ConfigFile, s.Settings = in(tt.reads), map[string]string{} })
			args := strings.Fields(tt.args)
			if i := slices.Index(args, "--config"); i > 0 {
				args[i+1] = in(args[i+1])
			}
			code, err := p.run(args...)
			if code != tt.code || !slices.Equal(p.did, tt.did) || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("exit code %d, did %q: %v", code, p.did, err)
			}
		})
	}
}

// Flags are sorted by name, so a help text must not refer to the flag before it: "then restart
// it" came first.
func TestHelpOfAFlagRefersToNoFlagBefore(t *testing.T) {
	root := cli.Command(service.Config{Name: "feedd"}, nil)
	for _, name := range []string{"upgrade", "rollback", "install"} {
		cmd, _, err := root.Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			for _, bad := range []string{"then ", "for that", "and that"} {
				if strings.HasPrefix(f.Usage, bad) || bad != "then " && strings.Contains(f.Usage, bad) {
					t.Errorf("%s --%s: %q refers to what is not there", name, f.Name, f.Usage)
				}
			}
		})
	}
}
