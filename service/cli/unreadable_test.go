package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// broken has contents that no file of ours has.
var broken = map[string]string{"no JSON": "{", "empty": "", "another kind": `[7]`, "a value of another kind": `{"name":7,"started":7}`}

// status reports an unusable state file, which prevents only what really needs it.
func TestAStateFileThatCannotBeRead(t *testing.T) {
	for name, content := range broken {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			byHand(p)
			p.m.st.Installed = false
			p.put(state.Path(p.cfg.RuntimeDir, "feedd"), content)
			p.wants("status", 4, "feedd.state.json: ")
			if out := p.out.String(); !strings.Contains(out, "feedd is not known since") || !strings.Contains(out, "60, user ") {
				t.Errorf("who runs is known, and no more:\n%s", out)
			}
			p.wants("reload --no-wait", 0, "", "signal 60 hangup")
			p = newPlace(t)
			byHand(p)
			p.put(state.Path(p.cfg.RuntimeDir, "feedd"), content)
			p.wants("stop", 0, "", "stop", "signal 60 terminated")
		})
	}
}

// A reload that the manager saw refused counts as refused, even if the program's reason cannot
// be read.
func TestAReloadWhoseOutcomeCannotBeRead(t *testing.T) {
	for name, content := range broken {
		p := newPlace(t)
		running(p)
		p.m.fails = platform.ErrRejected
		p.put(state.Path(p.cfg.RuntimeDir, "feedd"), content)
		if code, err := p.run("reload"); code != 1 || !errors.Is(err, platform.ErrRejected) {
			t.Errorf("%s: %d, %v", name, code, err)
		}
	}
}

// An unusable record of the last run does not make a stop fail, and does not affect a start.
func TestALastRunThatCannotBeRead(t *testing.T) {
	for name, content := range broken {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			running(p)
			p.writes(feedd, platform.PhaseReady, nil)
			record := filepath.Join(p.cfg.StateDir, "feedd.lastrun.json")
			p.put(record, content)
			p.m.on = func(string) { p.ends(feedd.PID) }
			p.wants("stop", 0, "", "stop")
			p.wants("status", 2, "note  ") // its state file is left
			if !strings.Contains(filepath.ToSlash(p.out.String()), "state/feedd.lastrun.json: ") {
				t.Errorf("it is not said which file it is:\n%s", p.out.String())
			}
			p.m.acts = &platform.FailedError{How: "exit code 77", Code: 77}
			p.wants("start", 77, "the service failed (exit code 77)", "start")
		})
	}
}

// An unusable record of the installation prevents an install, which would forget its flags,
// and nothing else. An uninstall succeeds and removes the record.
func TestAManifestThatCannotBeRead(t *testing.T) {
	for name, content := range broken {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			path := state.ManifestPath(filepath.Join(p.dir, "holdfast"), "feedd")
			if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			p.put(path, content)
			const says = "record of the installation: "
			for _, args := range []string{"install --program /opt/feedd", "install --dry-run", "plan --program /opt/feedd", "plan --diff"} {
				p.wants(args, 1, says)
				if all := errText(p.runOn(t.Context(), p.machine(), strings.Fields(args)...)); !strings.Contains(all, path) || !strings.Contains(all, "run install with all its flags") {
					t.Errorf("%s: not which, or not what to do: %s", args, all)
				}
			}
			p.wants("status", 3, "note  "+says)
			p.wants("start", 0, "", "start")
			p.wants("restart", 0, "", "restart")
			p.wants("stop", 0, "", "stop")
			p.wants("uninstall --purge", 0, "feedd is uninstalled", "remove", "remove all of /run", "remove all of /state")
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it is left: %v", err)
			}
		})
	}
}
