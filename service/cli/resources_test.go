package cli_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// Only an existing process is measured.
func TestMeasure(t *testing.T) {
	m := cli.ThisMachine()
	r := m.Measure(os.Getpid())
	if r == nil {
		t.Fatal("this process uses nothing")
	}
	if r.RSS < 1<<20 || r.Threads < 1 || r.CPU < 0 {
		t.Errorf("%+v", *r)
	}
	gone := exec.Command(os.Args[0], "-test.run=^$")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	if r := m.Measure(gone.Process.Pid); r != nil {
		t.Errorf("of one that is gone: %+v", *r)
	}
}

// An unknown value is a question mark for people, and -1 in JSON.
func TestResourcesAreShown(t *testing.T) {
	for name, tt := range map[string]struct {
		uses cli.Resources
		want string
	}{
		"all":     {cli.Resources{RSS: 3 << 20, CPU: 1.25, Threads: 9, FDs: 12, Children: 2}, "uses  3.0 MiB, CPU 1.2 %, 9 threads, 12 files, 2 children"},
		"nothing": {cli.Resources{RSS: -1, CPU: -1, Threads: -1, FDs: -1}, "uses  ? memory, CPU ? %, ? threads, ? files, 0 children"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			running(p)
			p.writes(feedd, platform.PhaseReady, nil)
			p.uses = &tt.uses
			p.wants("status", 0, tt.want)
		})
	}
}
