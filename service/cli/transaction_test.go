package cli_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// record returns the path of a record of the installation.
func (p *place) record(of func(string) string) string {
	return of(state.ManifestPath(filepath.Join(p.dir, "holdfast"), "feedd"))
}

// left lists the records of installations.
func (p *place) left() string {
	entries, _ := os.ReadDir(filepath.Join(p.dir, "holdfast"))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// killed leaves what an install leaves that is killed at its second step.
func (p *place) killed(verb string, forth bool) {
	p.t.Helper()
	journal := p.record(state.JournalPath)
	if err := os.MkdirAll(filepath.Dir(journal), 0o755); err != nil {
		p.t.Fatal(err)
	}
	steps := []platform.Step{
		{Kind: platform.StepRun, Describe: "write it", Argv: []string{"write"}, Undo: []string{"unwrite"}},
		{Kind: platform.StepRun, Describe: "enable it", Argv: []string{"enable"}, Undo: []string{"disable"}},
	}
	if forth {
		steps = []platform.Step{{Kind: platform.StepRemoveDir, Describe: "its files", Path: p.dir + "/gone"}, {Kind: platform.StepRun, Argv: []string{"rest"}}}
	}
	if err := installer.Begin(system{p}, installer.Job{Journal: journal, Verb: verb}).Apply(p.t.Context(), steps); err != nil {
		p.t.Fatal(err)
	}
}

// An interrupted command is noticed. The next call finishes it or rolls it back before its own
// work.
func TestIssue11_AnInterruptedInstallIsTakenBackByTheNextCall(t *testing.T) {
	for _, tt := range []struct {
		forth      bool
		args, says string
		did        []string
	}{
		{false, "install --program /opt/feedd", `- an earlier install, pid `, []string{"disable", "unwrite", "install"}},
		{false, "uninstall", `was interrupted at "enable it": undoing it`, []string{"disable", "unwrite", "remove"}},
		{true, "uninstall", `was interrupted at "its files": finishing it`, []string{"remove all of /gone", "rest", "remove"}},
		{true, "install --program /opt/feedd", `: finishing it`, []string{"remove all of /gone", "rest", "install"}},
	} {
		p := newPlace(t)
		p.killed("install", tt.forth)
		then := "undoes it"
		if tt.forth {
			then = "finishes it"
		}
		p.wants("status", 3, "the next install or uninstall "+then)
		if notes, _ := p.json1("status --json")["notes"].([]any); !slices.ContainsFunc(notes, func(n any) bool { return strings.Contains(n.(string), then) }) {
			t.Errorf("notes %v", notes)
		}
		p.wants("install --program /opt/feedd --dry-run", 0, "2 steps")
		p.wants(tt.args, 0, tt.says, tt.did...)
		p.wants("status", 3, "")
		if strings.Contains(p.out.String(), "interrupted") || strings.Contains(p.left(), "journal") || strings.Contains(p.left(), "changing") {
			t.Errorf("left %s, status %s", p.left(), p.out.String())
		}
	}
}

func (p *place) json1(args string) map[string]any {
	_, _ = p.run(strings.Fields(args)...)
	return p.json()
}

// If a rollback fails, the error names it, and the next command does not build on it.
func TestIssue11_WhatCannotBeTakenBackIsKept(t *testing.T) {
	p := newPlace(t)
	journal := p.record(state.JournalPath)
	if err := os.MkdirAll(filepath.Dir(journal), 0o755); err != nil {
		t.Fatal(err)
	}
	steps := []platform.Step{{Kind: platform.StepRun, Describe: "do it", Argv: []string{"do"}, Back: []platform.Step{{Kind: "bogus"}}}}
	if err := installer.Begin(system{p}, installer.Job{Journal: journal, Verb: "install"}).Apply(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.wants("install --program /opt/feedd", 1, `was interrupted at "do it", and cannot be finished or undone: not undone: do it: `)
		if left := p.left(); left != "feedd.journal" {
			t.Errorf("left %s", left)
		}
	}
}

// Of two simultaneous commands one waits, and refuses when its time limit is over.
func TestIssue11_OneInstallAtATime(t *testing.T) {
	p := newPlace(t)
	release, err := installer.Lock(t.Context(), p.record(state.LockPath), "upgrade", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"install --program /opt/feedd", "uninstall"} {
		p.wants(args+" --timeout 10ms", 1, "an install or uninstall is under way (upgrade, pid ")
		if !strings.Contains(p.errs.String(), "- waiting: ") {
			t.Errorf("it does not say that it waits: %s", p.errs.String())
		}
	}
	p.put(p.record(state.JournalPath), "{}")
	p.wants("status", 3, "an install or uninstall is under way (upgrade, pid ")
	if err := os.Remove(p.record(state.JournalPath)); err != nil {
		t.Fatal(err)
	}
	release()
	p.wants("install --program /opt/feedd", 0, "feedd is installed", "install")
	if left := p.left(); left != "feedd.json" {
		t.Errorf("left %s", left)
	}
}

// An install whose service does not become ready is rolled back. A first install leaves
// nothing.
func TestIssue11_AFirstInstallThatDoesNotGetReady(t *testing.T) {
	for _, form := range []string{"", " --json"} {
		p := newPlace(t)
		unit := filepath.Join(p.dir, "feedd.service")
		p.m.file, p.m.st.Installed = unit, false
		p.m.acts = &platform.FailedError{How: "exit code 1"}
		p.m.on = func(verb string) {
			if verb == "stop" {
				p.m.acts = nil
			}
		}
		if err := os.RemoveAll(p.cfg.StateDir); err != nil {
			t.Fatal(err)
		}
		code, err := p.run(strings.Fields("install --program /opt/feedd --start" + form)...)
		if says := fmt.Sprint(err); code != 1 || !strings.Contains(says, `the service failed (exit code 1); all changes of this install are undone`) || !slices.Equal(p.did, []string{"start", "stop"}) {
			t.Errorf("%d, %v, did %q", code, err, p.did)
		}
		if p.out.Len() > 0 { // that it is installed was said before the start, and never taken back
			t.Errorf("install%s says %q", form, p.out.String())
		}
		if _, err := os.Stat(unit); err == nil || p.left() != "" {
			t.Errorf("left: %v, %s", err, p.left())
		}
	}
}

// An install over an older definition restores that one, and starts the service that ran by
// it.
func TestIssue11_AnInstallOverAnOlderOneThatDoesNotGetReady(t *testing.T) {
	p := newPlace(t)
	unit := filepath.Join(p.dir, "feedd.service")
	p.m.file = unit
	p.wants("install --program /opt/old", 0, "is installed")
	old, err := os.ReadFile(unit)
	manifest := p.manifest()
	if err != nil {
		t.Fatal(err)
	}
	running(p)
	var at []string // what the definition was when something was done
	p.m.on = func(verb string) {
		now, _ := os.ReadFile(unit)
		at = append(at, verb+" "+strings.Fields(string(now))[0])
		p.m.acts = nil
		if verb == "restart" {
			p.m.acts = errors.New("it did not get ready")
		}
	}
	p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.StartedAt = noon.Add(-2 * 3600e9) })
	p.wants("install --program /opt/new --restart", 1, "it did not get ready", "restart", "stop", "start")
	if now, err := os.ReadFile(unit); err != nil || string(now) != string(old) || p.left() != "feedd.json" || p.manifest().Program != manifest.Program {
		t.Errorf("%v, %s, left %s, %+v", err, now, p.left(), p.manifest())
	}
	if got := strings.Join(at, ", "); got != "restart Exec=/opt/new, stop Exec=/opt/new, start Exec=/opt/old" {
		t.Error(got)
	}
}

// A rolled-back uninstall starts the service that it has stopped, and says so if it cannot.
func TestIssue11_WhatAnUninstallHasStoppedAndCannotStartAgainIsTold(t *testing.T) {
	for _, acts := range []error{nil, errors.New("no room for it")} {
		p := newPlace(t)
		p.wants("install --program /opt/feedd", 0, "is installed", "install")
		p.m.removal = []platform.Step{
			{Kind: platform.StepRun, Describe: "boot it out", Argv: []string{"bootout"}, Back: []platform.Step{{Kind: platform.StepStart, Describe: "start it again", MayFail: true}}},
			{Kind: "none of ours", Describe: "remove its definition"},
		}
		p.m.acts = acts
		p.wants("uninstall", 1, "remove its definition: ", "bootout", "start")
		told := strings.Contains(p.errs.String(), "; the previous installation is restored, but could not be started: no room for it")
		if told != (acts != nil) || strings.Contains(p.left(), "journal") {
			t.Errorf("start: %v; left %s; told %s", acts, p.left(), p.errs.String())
		}
	}
}

// owning is a machine whose files have owners.
type owning struct {
	system
	given *[]string
}

func (o owning) Owner(string) (platform.Owner, error) { return platform.Owner{UID: 7, GID: 8}, nil }

func (o owning) Chown(path string, to platform.Owner) error {
	*o.given = append(*o.given, fmt.Sprintf("%s %d:%d", filepath.Base(path), to.UID, to.GID))
	return nil
}

// Restored files get their old owner, and not the user who installs.
func TestIssue11_WhatIsTakenBackKeepsItsOwner(t *testing.T) {
	p := newPlace(t)
	unit := filepath.Join(p.dir, "feedd.service")
	p.put(unit, "theirs")
	p.m.steps = []platform.Step{
		{Kind: platform.StepWriteFile, Describe: "the unit", Path: unit, Mode: 0o644, Content: []byte("ours")},
		{Kind: "bogus", Describe: "fail"},
	}
	var given []string
	m := p.machine()
	m.System = owning{system{p}, &given}
	if err := p.runOn(t.Context(), m, "install", "--program", "/opt/feedd"); err == nil || !slices.Equal(given, []string{"feedd.service 7:8"}) {
		t.Errorf("%v, given %v", err, given)
	}
}
