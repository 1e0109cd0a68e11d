package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

// After install --instance a, or --scope user, plain verbs said that nothing exists. Now they
// name what exists, with the whole command if there is only one.
func TestIssue10_10_VerbsNameWhatIsThere(t *testing.T) {
	nothing := platform.Status{Manager: "fake", Phase: platform.PhaseStopped}
	there := platform.Status{Manager: "fake", Installed: true, Phase: platform.PhaseStopped}
	record := func(p *place, scope platform.Scope, instance string) {
		id := platform.ID{Name: "feedd", Instance: instance, Scope: scope}
		m := state.Manifest{Name: "feedd", Instance: instance, Scope: scope, Manager: "fake", Program: "/opt/feedd"}
		step, err := state.WriteManifestStep(state.ManifestPath(filepath.Join(p.dir, "holdfast"), id.String()), &m)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(step.Path), 0o755)
		}
		if err == nil {
			err = system{p}.WriteFile(step.Path, step.Content, step.Mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		so   func(*place)
		args string // behind the verb
		says string // VERB is it
	}{
		"nothing":               {func(*place) {}, "", ""},
		"one instance":          {func(p *place) { p.m.instances["a"] = there; record(p, platform.ScopeUser, "a") }, "", "; there is another one: feedd VERB --instance a"},
		"a record of what went": {func(p *place) { record(p, platform.ScopeUser, "a") }, "", ""},
		"two instances": {func(p *place) {
			p.m.instances["a"], p.m.instances["b"] = there, there
			record(p, platform.ScopeUser, "a")
			record(p, platform.ScopeUser, "b")
		}, "", "; there are others: feedd VERB --instance a, feedd VERB --instance b"},
		"another instance": {func(p *place) {
			p.m.instances["a"] = there
			record(p, platform.ScopeUser, "a")
		}, " --instance c", "; there is another one: feedd VERB --instance a"},
		"the plain one": {func(p *place) { p.m.st = there }, " --instance c", "; there is another one: feedd VERB"},
		"of the other scope": {func(p *place) {
			p.m.others = map[string]platform.Status{"": there}
		}, "", "; there is another one: feedd VERB --scope system"},
		"an instance of the other scope": {func(p *place) {
			p.m.others = map[string]platform.Status{"a": there}
			record(p, platform.ScopeSystem, "a")
		}, "", "; there is another one: feedd VERB --instance a --scope system"},
	} {
		t.Run(name, func(t *testing.T) {
			for verb, code := range map[string]int{"start": 1, "stop": 0, "restart": 1, "reload": 1, "uninstall": 0, "logs": 0} {
				p := newPlace(t)
				p.m.st, p.m.instances, p.m.acts = nothing, map[string]platform.Status{}, platform.ErrNotInstalled
				p.m.none = true
				tt.so(p)
				got, err := p.run(strings.Fields(verb + tt.args)...)
				all := fmt.Sprint(err, "\n", p.out.String(), p.errs.String())
				if got != code {
					t.Errorf("%s: %v, want %d", verb, err, code)
				}
				if want := strings.ReplaceAll(tt.says, "VERB", verb); want != "" && !strings.Contains(all+"\n", want+"\n") || want == "" && strings.Contains(all, "there") {
					t.Errorf("%s does not say %q:\n%s", verb, want, all)
				}
			}
		})
	}
}

// A service that is not installed may have no configuration. The error then names the existing
// instance.
func TestIssue10_10_BadConfigurationOfWhatIsNotThere(t *testing.T) {
	p := newPlace(t)
	p.m.st = platform.Status{Manager: "fake", Phase: platform.PhaseStopped}
	p.m.instances = map[string]platform.Status{"a": {Installed: true}}
	p.put(p.cfg.StateDir+"/feedd@a.lastrun.json", "{}")
	p.prog = demanding{}
	for _, verb := range []string{"start", "restart"} {
		p.wants(verb, platform.ExitBadConfig, "no feeds\nit is not installed; there is another one: feedd "+verb+" --instance a")
	}
	p.m.st.Installed = true
	if _, err := p.run("start"); err == nil || strings.Contains(err.Error(), "instance") {
		t.Errorf("it is installed: %v", err)
	}
}

// demanding is a program that requires a configuration.
type demanding struct{ service.Program }

func (demanding) Check(context.Context, service.Config) error { return errors.New("no feeds") }

func TestIssue10_10_StatusNamesTheCommand(t *testing.T) {
	p := newPlace(t)
	there := platform.Status{Manager: "fake", Installed: true, Phase: platform.PhaseStopped, Definition: &platform.Definition{Path: "/x", Ours: true}}
	p.m.st = platform.Status{Manager: "fake", Phase: platform.PhaseStopped}
	p.m.instances = map[string]platform.Status{"a": there}
	p.put(p.cfg.StateDir+"/feedd@a.lastrun.json", "{}")
	p.wants("status", 3, "it has only one instance: feedd status --instance a\n")
	p.m.instances = nil
	p.m.others = map[string]platform.Status{"": there}
	p.wants("status", 3, "it is installed with --scope system: feedd status --scope system\n")
}

// beside adds another manager to this machine, besides the one that runs it.
func (p *place) beside(name string) *manager {
	return &manager{p: p, name: name, st: platform.Status{Manager: name, Phase: platform.PhaseStopped}, file: filepath.Join(p.dir, name)}
}

// Plain commands know what was installed with --manager, and commands with the same --manager
// use its recorded flags.
func TestIssue10_10_AnotherManager(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the managers of this test are Linux's")
	}
	p := newPlace(t)
	sysv := p.beside("sysv")
	p.m.name = "systemd"
	p.m.st = platform.Status{Manager: "systemd", Phase: platform.PhaseStopped}
	p.m.none = true
	m := p.machine()
	m.Manager = func(name string) (platform.Manager, error) {
		switch name {
		case "sysv":
			return sysv, nil
		case "auto", "systemd":
			return p.m, nil
		}
		return nil, platform.ErrUnsupported
	}
	does := func(code string, says string, args ...string) {
		t.Helper()
		err := p.runOn(t.Context(), m, args...)
		all := fmt.Sprint(err, "\n", p.out.String(), p.errs.String())
		if (err == nil) != (code == "ok") || !strings.Contains(all, says) {
			t.Errorf("%q: does not say %q:\n%s", args, says, all)
		}
	}
	file := filepath.Join(p.dir, "c.toml")
	p.put(file, "")
	does("ok", "feedd is installed (sysv)", "install", "--manager", "sysv", "--program", "/opt/feedd", "--config", file)
	sysv.st.Installed, sysv.st.Enabled = true, true
	does("ok", "as in an earlier install: --config "+file, "install", "--manager", "sysv")
	does("ok", "nothing has changed", "install", "--manager", "sysv")
	p.put(file, "[service.limits]\nnofile = 77\n")
	does("fails", "limits.nofile: feedd install --manager sysv applies that", "status", "--manager", "sysv")
	// Plain commands ask the manager that runs the machine.
	does("fails", "it is installed with another manager: feedd status --manager sysv", "status")
	sysv.broken = errors.New("it no longer exists") // the machine has another init by now
	does("fails", "is stopped", "status")
	if strings.Contains(p.out.String(), "sysv") {
		t.Error(p.out.String())
	}
	does("ok", "is not installed", "uninstall") // and leaves what is not its own
	if p.manifest().Manager != "sysv" {
		t.Errorf("%+v", p.manifest())
	}
	sysv.broken = nil
	does("ok", "; there is another one: feedd stop --manager sysv", "stop")
	does("ok", "- it is also installed with --manager sysv, which stays", "plan", "--program", "/opt/feedd")
	p.theirs(func(d *platform.Definition) { d.State, d.Source = platform.DefinitionGenerated, "/etc/init.d/feedd" })
	p.m.name = "systemd"
	does("fails", "it was installed with --manager sysv, so give that flag: the generated", "start")
	// And leave its record alone.
	p.m.st = platform.Status{Manager: "systemd", Phase: platform.PhaseStopped}
	does("ok", "is not installed", "uninstall")
	if p.manifest().Manager != "sysv" {
		t.Errorf("%+v", p.manifest())
	}
	does("ok", "is uninstalled", "uninstall", "--manager", "sysv")
	if _, err := os.Stat(state.ManifestPath(filepath.Join(p.dir, "holdfast"), "feedd")); !os.IsNotExist(err) {
		t.Errorf("the record is left: %v", err)
	}
}

// plan and install for a manager other than the running one ignored the default configuration,
// and did not say so.
func TestIssue10_2_TheDefaultConfigurationForAnotherManager(t *testing.T) {
	p := newPlace(t)
	for _, v := range []string{"HOME", "LocalAppData"} {
		t.Setenv(v, p.dir)
	}
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(p.dir, "config"))
	d, err := p.cfg.DirsFor(platform.ScopeUser)
	if err == nil {
		err = os.MkdirAll(d.Config, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.Config, "feedd.toml")
	p.put(file, "[service.limits]\nnofile = 77\n")
	ours, foreign := "sysv", "scm"
	switch runtime.GOOS {
	case "windows":
		ours, foreign = "scm", "systemd"
	case "darwin":
		ours, foreign = "launchd", "systemd"
	}
	for name, used := range map[string]bool{ours: true, foreign: false} {
		planned := p.beside(name)
		m := p.machine()
		m.Manager = func(asked string) (platform.Manager, error) {
			if asked == name {
				return planned, nil
			}
			return p.m, nil
		}
		for _, args := range []string{"plan", "install --dry-run"} {
			line := append(strings.Fields(args), "--manager", name, "--program", "/opt/feedd", "--scope", "user")
			if err := p.runOn(t.Context(), m, line...); err != nil {
				t.Fatal(err)
			}
			if got := planned.unit.Limits.NoFile == 77; got != used || strings.Contains(strings.Join(planned.unit.Exec, " "), file) != used {
				t.Errorf("%s for %s: used %v, %q", args, name, got, planned.unit.Exec)
			}
			says := "- the configuration is " + file + "\n"
			if !used {
				says = "- " + file + " is left out: it belongs to this machine, and not to one with " + name + "; --config names another\n"
			}
			if !strings.Contains(p.errs.String(), says) {
				t.Errorf("%s for %s does not say %q:\n%s", args, name, says, p.errs.String())
			}
		}
	}
}
