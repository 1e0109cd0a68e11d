package cli_test

import (
	"os"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// Where a name has instances only, status names them; --all shows each.
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
