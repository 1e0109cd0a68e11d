package cli_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// theirs makes the manager run a service of that name by somebody else's definition.
func (p *place) theirs(change func(*platform.Definition)) {
	d := &platform.Definition{Path: p.dir + "/feedd.unit", Own: map[string]string{"start": "ctl start feedd", "stop": "ctl stop feedd", "unmask": "ctl unmask feedd"}}
	if change != nil {
		change(d)
	}
	p.m.st = platform.Status{Manager: "fake", Enabled: true, Phase: platform.PhaseReady, PID: 60, Definition: d}
}

// If holdfast did not make a definition, every verb leaves it alone, and the error says what
// to do. The verbs used to stop, restart or remove it, or said that it was not running.
func TestIssue10_3_AVerbActsOnOursOnly(t *testing.T) {
	for _, inventory := range []bool{false, true} {
		for verb, says := range map[string]string{
			"start": "ctl start feedd", "stop": "ctl stop feedd", "restart": "install --adopt", "reload": "install --adopt", "uninstall": "install --adopt",
		} {
			p := newPlace(t)
			p.theirs(nil)
			p.m.inventory = inventory
			p.wants(verb, platform.ExitNotPermitted, says)
			if _, err := p.run(verb); !errors.Is(err, platform.ErrForeign) || !strings.Contains(err.Error(), "feedd.unit was not made by holdfast") {
				t.Errorf("%s: %v", verb, err)
			}
		}
	}
}

// Our own process is stopped and reloaded nevertheless, unless it runs by that definition.
func TestIssue10_3_OursBesideTheirs(t *testing.T) {
	p := newPlace(t)
	p.theirs(nil)
	p.runs(feedd, "")
	p.wants("stop", 0, "", "signal 70 terminated")
	p = newPlace(t)
	p.theirs(nil)
	p.runs(feedd, "")
	p.wants("reload --no-wait", 0, "", "signal 70 hangup")
	p.runs(other, "fake")
	for _, verb := range []string{"stop", "reload"} {
		p.wants(verb, platform.ExitNotPermitted, "was not made by holdfast")
	}
	p.wants("stop --manager none", 0, "", "signal 60 terminated") // a script of theirs may say so
}

// A manager that cannot tell when a process is ready says "starting" for ever. reload waited for the start timeout
// before it refused.
func TestReloadDoesNotWaitForTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		p.theirs(nil)
		p.m.st.Phase = platform.PhaseStarting
		begin := time.Now()
		err := p.runOn(t.Context(), p.machine(), "reload")
		if took := time.Since(begin); !errors.Is(err, platform.ErrForeign) || took > 0 {
			t.Errorf("%v, after %v", err, took)
		}
	})
}

// status shows our service, which does not run, and names the other one.
func TestIssue10_3_StatusSaysWhoseItIs(t *testing.T) {
	p := newPlace(t)
	p.theirs(func(d *platform.Definition) { d.State = platform.DefinitionStatic })
	p.wants("status", 3, "not made by holdfast: the static "+p.dir+"/feedd.unit")
	if out := p.out.String(); !strings.Contains(out, "is stopped") || !strings.Contains(out, "holdfast did not make (ready, starts at boot)") {
		t.Error(out)
	}
	p.wants("status --json", 3, `"state": "static"`)
	if out := p.out.String(); !strings.Contains(out, `"ours": false`) || !strings.Contains(out, `"installed": false`) || !strings.Contains(out, `"phase": "stopped"`) {
		t.Error(out)
	}
}

func TestIssue10_3_Masked(t *testing.T) {
	p := newPlace(t)
	p.theirs(func(d *platform.Definition) { d.State = platform.DefinitionMasked })
	for _, verb := range []string{"start", "restart", "uninstall"} {
		p.wants(verb, platform.ExitNotPermitted, "is masked: the administrator has blocked this name: ctl unmask feedd")
	}
	p.wants("status", 3, "is masked")
}

// Overrides of our own definition are reported, and change nothing else.
func TestIssue10_3_DropInsAreNamed(t *testing.T) {
	p := newPlace(t)
	p.m.st.Definition = &platform.Definition{Path: "/u/feedd", Ours: true, DropIns: []platform.DropIn{{Path: "/u/feedd.d/a", Keys: []string{"ExecStart", "User"}}, {Path: "/u/feedd.d/b"}}}
	p.wants("status", 3, "changed from outside: /u/feedd.d/a sets ExecStart, User")
	if !strings.Contains(p.out.String(), "/u/feedd.d/b\n") {
		t.Error(p.out.String())
	}
	p.wants("install", 0, "this overrides the definition and stays in force: /u/feedd.d/a sets ExecStart, User", "install")
	p.wants("start", 0, "", "start")
}

// A service with the same name in the other scope is reported, and does not hide this one.
func TestIssue10_3_TheOtherScope(t *testing.T) {
	p := newPlace(t)
	p.m.other = &platform.Definition{Path: "/sys/feedd"}
	p.wants("status", 3, "there is another service of this name, --scope system: /sys/feedd")
	p.wants("install", 0, "another service of this name, --scope system, which stays: /sys/feedd", "install")
}

// A service that does not exist in this scope may exist in the other one.
func TestIssue10_3_NotInstalledHereButThere(t *testing.T) {
	p := newPlace(t)
	p.m.other, p.m.fails = &platform.Definition{Path: "/sys/feedd"}, platform.ErrNotInstalled
	p.wants("start", 1, "not installed: there is one of --scope system: /sys/feedd", "start")
}

// --adopt shows each changed line, and is passed to the manager.
func TestIssue10_3_AdoptShowsTheDifference(t *testing.T) {
	p := newPlace(t)
	p.theirs(nil)
	p.put(p.dir+"/feedd.unit", "[Service]\nExecStart=/old\nUser=feed\n")
	p.m.steps = []platform.Step{
		{Kind: platform.StepWriteFile, Describe: "keep", Path: p.dir + "/kept", Mode: 0o644, Content: []byte("[Service]\n")},
		{Kind: platform.StepWriteFile, Describe: "write", Path: p.dir + "/feedd.unit", Mode: 0o644, Content: []byte("# ours\n[Service]\nExecStart=/new\nUser=feed\n")},
	}
	for _, args := range []string{"plan --adopt", "install --adopt"} {
		p.wants(args, 0, "takes over "+p.dir+"/feedd.unit:\n  +# ours\n   [Service]\n  -ExecStart=/old\n  +ExecStart=/new\n   User=feed\n")
		if !p.m.unit.Adopt {
			t.Errorf("%s: the manager did not hear of it", args)
		}
	}
	p.wants("plan", 0, "")
	if p.m.unit.Adopt {
		t.Error("nobody asked to adopt")
	}
}

func TestDifference(t *testing.T) {
	for _, tt := range []struct{ before, after, want string }{
		{"", "", ""},
		{"a\nb\n", "a\nb\n", ""},
		{"", "a\n", "+a"},
		{"a\n", "", "-a"},
		{"1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\nx\n5\n6\n7\n", " 2| 3|-4|+x| 5| 6"},
		{"a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB", "-a|+A| 1| 2|...| 5| 6|-b|+B"},
	} {
		if got := strings.Join(cli.Difference(tt.before, tt.after), "|"); got != tt.want {
			t.Errorf("%q to %q: %s, want %s", tt.before, tt.after, got, tt.want)
		}
	}
}
