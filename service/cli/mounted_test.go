package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// host is an application, acme, with the service two levels down and under its own name.
func host(tree *cobra.Command) (acme *cobra.Command, hooks *[]string) {
	hooks = new([]string)
	acme = &cobra.Command{
		Use:               "acme",
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { *hooks = append(*hooks, cmd.Name()); return nil },
	}
	admin := &cobra.Command{Use: "admin"}
	other := &cobra.Command{Use: "other", RunE: func(*cobra.Command, []string) error { return errors.New("other went wrong") }}
	tree.Use = "acme-agent"
	admin.AddCommand(tree)
	acme.AddCommand(admin, other)
	return acme, hooks
}

func drive(t *testing.T, root *cobra.Command, args ...string) (text string, err error) {
	t.Helper()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return out.String(), err
}

// For every manager, the definition calls the tree at its place. The unit of acme-agent used
// to run `/usr/bin/acme run` (issue 9, 8).
func TestMountedTreeIsRenderedAsMounted(t *testing.T) {
	for _, manager := range native.Managers() {
		t.Run(manager, func(t *testing.T) {
			if manager == "sysv" && filepath.Separator != '/' && linksOf(t) {
				t.Skip("Wine shows the links of the system that it runs on, and has another find(1)")
			}
			program := "/usr/bin/acme"
			if manager == "scm" {
				program = `C:\acme\acme.exe`
			}
			cfg := service.Config{Name: "agent", StateDir: "/srv/agent", Supervise: manager == "sysv"}
			if manager == "scm" {
				cfg.StateDir = ""
			}
			acme, hooks := host(cli.Command(cfg, nil))
			text, err := drive(t, acme, "admin", "acme-agent", "plan", "--json", "--manager", manager, "--scope", "system", "--program", program)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(*hooks) != "[plan]" {
				t.Errorf("the host's hook ran for %q", *hooks)
			}
			var plan struct {
				Steps []struct {
					Content string
					Binary  string `json:"binary_path"`
				}
			}
			if err := json.Unmarshal([]byte(text[max(0, strings.IndexByte(text, '{')):]), &plan); err != nil { // warnings come first
				t.Fatalf("%v in %s", err, text)
			}
			mounted, calls := 0, 0
			for _, s := range plan.Steps {
				plain := strings.NewReplacer("'", "", "</string>", "", "<string>", "", "\n", " ", "\t", "", `"`, "", ",", "").Replace(s.Content + s.Binary)
				for i, part := range strings.Split(plain, program+" ") {
					verb, _, _ := strings.Cut(part, " ")
					if i == 0 || verb == ";" || strings.HasPrefix(part, "#") {
						continue
					}
					if calls++; strings.HasPrefix(part, "admin acme-agent ") {
						mounted++
					} else if strings.HasPrefix(part, "run") || strings.HasPrefix(part, "reload") || strings.HasPrefix(part, "status") {
						t.Errorf("a call that is not as mounted: %.60q", part)
					}
				}
			}
			if mounted == 0 {
				t.Errorf("no command line has the path:\n%s", text)
			}
		})
	}
}

// Errors, usage and exit codes follow one rule, mounted or not.
func TestMistakesMountedAndNot(t *testing.T) {
	for name, tt := range map[string]struct {
		args string
		code int
		says string
	}{
		"unknown flag":          {"status --bogus", 2, "unknown flag: --bogus"},
		"unknown flag of ours":  {"--bogus", 2, "unknown flag: --bogus"},
		"unknown command":       {"bogus", 2, `unknown command "bogus" for`},
		"nearly a command":      {"statsu", 2, "did you mean status"},
		"too many arguments":    {"install extra", 2, "unknown command"},
		"arguments of status":   {"status now", 2, "unknown command"},
		"no value":              {"status --config", 2, "needs an argument"},
		"unknown scope":         {"status --scope galaxy", 2, "galaxy"},
		"unknown manager":       {"status --manager upstart", 2, "upstart"},
		"too few arguments":     {"man", 2, "accepts 1 arg"},
		"an upgrade to nothing": {"upgrade", 2, "upgrade needs the FILE of the new version"},
		"a bad file":            {"check --config /nonexistent", 78, "nonexistent"},
		"nothing runs":          {"status", 3, ""},
		"nothing to reload":     {"reload", 1, "not running"},
		"help of its own":       {"help", 0, "install"},
		"help of a command":     {"help status", 0, "4 unknown"},
		"help of nothing":       {"help bogus", 2, `unknown command "bogus" for`},
		"help below a command":  {"help status bogus", 2, "unknown command"},
		"no command":            {"", 0, "install"},
		"what works":            {"version", 0, "holdfast"},
		"flag before a command": {"--timeout 1s version", 0, "holdfast"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			alone := cli.CommandOn(p.machine(), p.cfg, nil)
			text, err := drive(t, alone, strings.Fields(tt.args)...)
			compare := func(where, text string, err error) {
				t.Helper()
				if code := cli.ExitCode(err); code != tt.code && tt.code >= 0 {
					t.Errorf("%s: exit code %d, want %d: %v", where, code, tt.code, err)
				}
				if err != nil && strings.Contains(text, "Usage:") && tt.code >= 0 {
					t.Errorf("%s: an error shows the whole usage:\n%s", where, text)
				}
				if all := fmt.Sprint(text, err); !strings.Contains(all, tt.says) {
					t.Errorf("%s: does not say %q:\n%s", where, tt.says, all)
				}
				if said := strings.Count(text, "Error:"); err != nil && (said == 0) != cli.Silent(err) || strings.Contains(text, "Error: exit code") {
					t.Errorf("%s: the error is printed %d times:\n%s", where, said, text)
				}
			}
			compare("alone", text, err)
			acme, _ := host(cli.CommandOn(p.machine(), p.cfg, nil))
			text, err = drive(t, acme, append([]string{"admin", "acme-agent"}, strings.Fields(tt.args)...)...)
			compare("mounted", text, err)
		})
	}
}

// The host's own commands are not affected.
func TestHostKeepsItsWays(t *testing.T) {
	p := newPlace(t)
	acme, hooks := host(cli.CommandOn(p.machine(), p.cfg, nil))
	text, err := drive(t, acme, "other")
	if err == nil || cli.ExitCode(err) != 1 || !strings.Contains(text, "Error: other went wrong") || !strings.Contains(text, "Usage:") {
		t.Errorf("%v\n%s", err, text)
	}
	if fmt.Sprint(*hooks) != "[other]" {
		t.Errorf("hooks: %q", *hooks)
	}
	if cobra.EnableTraverseRunHooks {
		t.Error("what is everybody's was changed")
	}
}

// linksOf reports whether this machine has directories for links of SysV.
func linksOf(t *testing.T) bool {
	t.Helper()
	_, err := os.Stat("/etc/rc0.d")
	return err == nil
}

// Examples use the path of the tree, wherever it is mounted, and each command is in a group.
func TestExamplesAreCalledAsTheTreeIs(t *testing.T) {
	alone, err := command(t, service.Config{Name: "feedd"}, "install", "--help")
	if err != nil || !strings.Contains(alone, "\n  feedd install --start\n") {
		t.Errorf("%v:\n%s", err, alone)
	}
	root := &cobra.Command{Use: "acme"}
	root.AddCommand(cli.Command(service.Config{Name: "feedd"}, nil))
	var out strings.Builder
	root.SetOut(&out)
	for _, args := range [][]string{{"feedd", "install", "--help"}, {"feedd", "fleet", "forget", "--help"}, {"feedd", "upgrade", "--help"}, {"feedd", "--help"}} {
		root.SetArgs(args)
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"\n  acme feedd install --start\n", "\n  acme feedd upgrade ./new-version\n", "\n  acme feedd fleet forget feed03\n",
		"\nLife:\n", "\nInstallation:\n", "\nDiagnosis:\n", "\nOther:\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(alone+out.String(), "PROGRAM") {
		t.Error("an example is called PROGRAM")
	}
}

// The program's own commands keep their examples.
func TestExamplesOfOthersStay(t *testing.T) {
	tree := cli.Command(service.Config{Name: "feedd"}, nil)
	const example = "  feedd load --as PROGRAM"
	tree.AddCommand(&cobra.Command{Use: "load", Example: example, Run: func(*cobra.Command, []string) {}})
	if text, err := drive(t, tree, "load", "--help"); err != nil || !strings.Contains(text, example) {
		t.Errorf("%v:\n%s", err, text)
	}
	dir := t.TempDir()
	if _, err := drive(t, tree, "man", dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "feedd-load.8"))
	if err != nil || !strings.Contains(string(page), "PROGRAM") {
		t.Errorf("%v:\n%s", err, page)
	}
}
