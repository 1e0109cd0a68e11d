package cli_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// flagged is a host with its own flags, of every kind and at every level.
func flagged(tree *cobra.Command) *cobra.Command {
	acme, _ := host(tree)
	f := acme.PersistentFlags()
	f.String("profile", "", "")
	f.StringSlice("tags", nil, "")
	f.StringArray("each", nil, "")
	f.IntSlice("ports", nil, "")
	f.StringToString("labels", nil, "")
	f.CountP("verbose", "v", "")
	f.BoolP("debug", "d", false, "")
	f.Duration("patience", 0, "")
	f.String("config", "", "the host's own, which ours hides")
	tree.Parent().PersistentFlags().String("region", "", "")
	tree.PersistentFlags().Bool("ours-too", false, "")
	return acme
}

// A host flag on the command line of an install was missing in the definition. The service ran
// with another profile, or did not start.
func TestIssue10_9_HostsFlagsAreInstalled(t *testing.T) {
	for args, want := range map[string]string{
		"admin acme-agent":                                  "admin acme-agent",
		"--profile x admin acme-agent":                      "--profile=x admin acme-agent",
		"admin acme-agent --profile x":                      "--profile=x admin acme-agent",
		"admin acme-agent --profile=":                       "--profile= admin acme-agent",
		"-vv -d admin acme-agent":                           "--debug=true --verbose=2 admin acme-agent",
		"--debug=false admin acme-agent":                    "--debug=false admin acme-agent",
		"--patience 90s admin acme-agent":                   "--patience=1m30s admin acme-agent",
		"--tags a,b --tags c admin acme-agent":              "--tags=a --tags=b --tags=c admin acme-agent",
		`--tags "a,b",c admin acme-agent`:                   `--tags="a,b" --tags=c admin acme-agent`,
		"--tags= admin acme-agent":                          "--tags= admin acme-agent",
		"--each a,b --each c admin acme-agent":              "--each=a,b --each=c admin acme-agent",
		"--ports 1,2 admin acme-agent":                      "--ports=1 --ports=2 admin acme-agent",
		"--labels a=1 admin acme-agent":                     "--labels=a=1 admin acme-agent",
		"admin --region eu acme-agent --ours-too":           "admin --region=eu acme-agent --ours-too=true",
		"--profile x admin --region eu acme-agent -d":       "--debug=true --profile=x admin --region=eu acme-agent",
		"admin acme-agent --timeout 3s --scope user":        "admin acme-agent",
		"--profile x admin acme-agent --instance two":       "--profile=x admin acme-agent",
		"--profile x admin acme-agent --user alice --adopt": "--profile=x admin acme-agent",
	} {
		t.Run(args, func(t *testing.T) {
			p := newPlace(t)
			line := strings.Fields(args)
			at := slices.Index(line, "acme-agent") + 1
			line = slices.Insert(line, at, "plan", "--program", "/opt/acme")
			text, err := drive(t, flagged(cli.CommandOn(p.machine(), p.cfg, nil)), line...)
			if err != nil {
				t.Fatal(err)
			}
			u := p.m.unit
			for _, argv := range [][]string{u.Exec, u.Reload, u.Commands.Check, u.Commands.Stop, u.Commands.Spawn, u.Commands.Supervise, u.Commands.Await} {
				if got := strings.Join(argv, " "); !strings.HasPrefix(got, "/opt/acme "+want+" ") {
					t.Errorf("installed is %q", got)
				}
			}
			given := strings.Contains(want, "--")
			if strings.Contains(text, "- what is installed includes these flags of acme: ") != given {
				t.Errorf("it says\n%s", text)
			}
			// The installed line means what was typed.
			values := func(line []string) map[string]string {
				t.Helper()
				root := flagged(cli.CommandOn(p.machine(), p.cfg, nil))
				cmd, rest, err := root.Find(line)
				if err == nil {
					err = cmd.ParseFlags(rest)
				}
				if err != nil {
					t.Fatal(err)
				}
				all := map[string]string{}
				cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) {
					if f.Changed && !slices.Contains([]string{"runtime-dir", "state-dir", "scope", "timeout", "instance"}, f.Name) {
						all[f.Name] = f.Value.String()
					}
				})
				return all
			}
			typed, installed := values(line), values(u.Exec[1:])
			for name := range typed {
				if typed[name] != installed[name] {
					t.Errorf("--%s: typed %q, installed %q", name, typed[name], installed[name])
				}
			}
			if len(typed) != len(installed) {
				t.Errorf("typed %q, installed %q", typed, installed)
			}
		})
	}
}

// Every manager's definition has them in each command line.
func TestIssue10_9_HostsFlagsAreRendered(t *testing.T) {
	for _, manager := range native.Managers() {
		t.Run(manager, func(t *testing.T) {
			if manager == "sysv" && filepath.Separator != '/' && linksOf(t) {
				t.Skip("Wine shows the links of the system that it runs on, and has another find(1)")
			}
			program := "/usr/bin/acme"
			if manager == "scm" {
				program = `C:\acme\acme.exe`
			}
			acme := flagged(cli.Command(service.Config{Name: "agent"}, nil))
			text, err := drive(t, acme, "--profile", "x", "admin", "acme-agent", "plan", "--manager", manager, "--scope", "system", "--program", program)
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.NewReplacer("'", "", "</string>", "", "<string>", "", "\n", " ", "\t", "", `"`, "", " |", "", "| ", "", ",", "").Replace(text)
			plain = strings.Join(strings.Fields(plain), " ")
			calls := strings.Count(plain, program+" admin") + strings.Count(plain, program+" run")
			if with := strings.Count(plain, program+" --profile=x admin acme-agent run"); with == 0 || calls > 0 {
				t.Errorf("%d calls with, %d without:\n%s", with, calls, text)
			}
		})
	}
}

// They are kept like install's own flags. So a second install, and commands that compare, do
// not take them for a change. They can be forgotten.
func TestIssue10_9_HostsFlagsAreKept(t *testing.T) {
	p := newPlace(t)
	p.m.file, p.m.st.Enabled = filepath.Join(p.dir, "feedd.unit"), true
	p.m.st.Phase = platform.PhaseStopped
	does := func(says string, line ...string) {
		t.Helper()
		text, err := drive(t, flagged(cli.CommandOn(p.machine(), p.cfg, nil)), line...)
		if err != nil && line[len(line)-1] != "status" || !strings.Contains(text, says) {
			t.Errorf("%q: %v: it does not say %q:\n%s", line, err, says, text)
		}
	}
	exec := func(want string) {
		t.Helper()
		if got := strings.Join(p.m.unit.Exec, " "); !strings.HasPrefix(got, want) {
			t.Errorf("installed %q, want %q", got, want)
		}
	}
	does("feedd is installed (fake).\n", "--profile", "x y", "admin", "--region", "eu", "acme-agent", "install", "--program", "/opt/acme")
	exec("/opt/acme --profile=x y admin --region=eu acme-agent run")
	does("- as in an earlier install: --program /opt/acme '--profile=x y' --region=eu (--no-program, --no-host-flags to undo that)", "admin", "acme-agent", "install")
	exec("/opt/acme --profile=x y admin --region=eu acme-agent run")
	does("nothing has changed", "admin", "acme-agent", "install")
	// Flags of a command about another service do not change the installation.
	for _, args := range [][]string{{"admin", "acme-agent", "status"}, {"--profile", "z", "admin", "acme-agent", "status"}} {
		does("is stopped", args...)
		if text, _ := drive(t, flagged(cli.CommandOn(p.machine(), p.cfg, nil)), args...); strings.Contains(text, "applies") {
			t.Errorf("%q:\n%s", args, text)
		}
	}
	does("+Exec=/opt/acme --profile=z admin --region=eu acme-agent run", "--profile", "z", "admin", "acme-agent", "install")
	does("+Exec=/opt/acme admin acme-agent run", "admin", "acme-agent", "install", "--no-host-flags")
	does("nothing has changed", "admin", "acme-agent", "install")
	// A flag that the host no longer has is left out.
	does("feedd is installed", "--profile", "x", "admin", "acme-agent", "install")
	plainHost, _ := host(cli.CommandOn(p.machine(), p.cfg, nil))
	if text, err := drive(t, plainHost, "admin", "acme-agent", "install"); err != nil || !strings.Contains(text, "+Exec=/opt/acme admin acme-agent run") {
		t.Errorf("%v\n%s", err, text)
	}
}
