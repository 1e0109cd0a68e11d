package cli_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// If a name has only instances, status names them, and --all shows each.
func TestIssue10_4_InstancesAreNamed(t *testing.T) {
	p := newPlace(t)
	p.m.st = platform.Status{Manager: "fake", Phase: platform.PhaseStopped}
	p.wants("status", 3, "not installed")
	if strings.Contains(p.out.String(), "instances") {
		t.Errorf("there are none:\n%s", p.out.String())
	}
	p.m.instances = map[string]platform.Status{
		"one": {Manager: "fake", Installed: true, Phase: platform.PhaseStopped},
		"two": {Manager: "fake", Installed: true, Phase: platform.PhaseFailed, LastExit: killed},
	}
	p.put(p.cfg.StateDir+"/feedd@one.lastrun.json", "{}")
	p.put(p.cfg.RuntimeDir+"/feedd@two.state.json", "{}")
	p.put(p.cfg.StateDir+"/feedd@gone.lastrun.json", "{}") // it is installed no more
	p.wants("status", 3, "it has instances only: one, two: give --instance NAME, or --all for all of them")
	p.wants("status --all", 3, "feedd@one")
	if out := p.out.String(); !strings.Contains(out, "feedd@two is failed") || strings.Contains(out, "gone") {
		t.Errorf("got\n%s", out)
	}
	p.wants("status --json", 3, `"instances": [`)
	if err := os.Remove(p.cfg.StateDir + "/feedd@one.lastrun.json"); err != nil {
		t.Fatal(err)
	}
	p.wants("status --instance two", 2, "feedd@two")
}

// A shell completes what is known: managers, scopes, and instances that have left something.
func TestValuesOfFlagsAreCompleted(t *testing.T) {
	p := newPlace(t)
	p.put(p.cfg.StateDir+"/feedd@one.lastrun.json", "{}")
	p.put(p.cfg.StateDir+"/feedd@two.lastrun.json", "{}")
	for args, want := range map[string]string{
		"__complete status --manager o":  "auto\nnone\n" + strings.Join(native.Managers(), "\n") + "\n:4\n",
		"__complete status --scope us":   "auto\nsystem\nuser\n:4\n",
		"__complete status --instance t": "two\n:4\n",
	} {
		p.wants(args, 0, want)
	}
}

// The service's user can make any number of files with the names of instances, and each one
// cost root a question to the manager.
func TestIssue9_AHoardOfInstancesKeepsNobodyWaiting(t *testing.T) {
	p := newPlace(t)
	p.m.st = platform.Status{Manager: "fake", Phase: platform.PhaseStopped}
	there := platform.Status{Manager: "fake", Installed: true, Phase: platform.PhaseStopped}
	p.m.instances = map[string]platform.Status{"0099": there, "0100": there}
	for i := range 1000 {
		p.put(fmt.Sprintf("%s/feedd@%04d.lastrun.json", p.cfg.StateDir, i), "{}")
	}
	p.wants("status", 3, "it has only one instance: feedd status --instance 0099")
	p.wants("status", 3, "900 names were not examined")
	p.wants("status --all", 3, "900 names were not examined")
	if out := p.out.String(); !strings.Contains(out, "feedd@0099") || strings.Contains(out, "feedd@0100") {
		t.Errorf("it has looked into them all:\n%s", out)
	}
}
