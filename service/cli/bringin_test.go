package cli_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton"
)

// install --restart did not put a new program on disk into force if the definition was
// unchanged, and no command but status reported this.
func TestIssue10_5_ANewProgramTakesARestart(t *testing.T) {
	p, _ := installed(t, true)
	p.replaced = true
	const newer = "the program on disk is newer than the running one: `restart` applies it"
	p.wants("install", 0, "feedd is installed (fake): its definition has not changed.\nIt still runs as before: a restart is due (feedd restart, or install --restart).\n")
	if got := p.errs.String(); !strings.Contains(got, "- "+newer+"\n") || strings.Contains(got, "last install") {
		t.Error(got)
	}
	p.wants("plan --diff", 0, newer)
	p.wants("start", 0, newer, "start")
	p.wants("reload", 0, newer, "reload")
	p.wants("status", 0, newer)
	if n := strings.Count(p.out.String(), newer); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, p.out.String())
	}
	p.m.on = func(verb string) { p.replaced = p.replaced && verb != "restart" }
	p.wants("install --restart", 0, "its definition has not changed.\nfeedd is ready after 0.0 s, pid 70; log: ", "restart")
	p.wants("install --restart", 0, "nothing has changed")

	p, _ = installed(t, false) // what does not run is no older program
	p.replaced = true
	p.wants("install --restart", 0, "nothing has changed")
}

// Another program is one with another content, at the path where the process began or where
// its manager starts it. A file that was rewritten with the same content does not count, nor
// does the program of a script.
func TestAProgramThatWasReplaced(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says which file a process runs")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	changed := slices.Clone(image)
	changed[len(changed)-1]++
	for name, tt := range map[string]struct {
		before, program string
		want            bool
	}{
		"the same":                  {exe, exe, false},
		"by a link":                 {exe, link, false},
		"not known":                 {"", "", false},
		"a copy of the same":        {exe, file("same", image), false},
		"the same, written again":   {file("again", image) + " (deleted)", "", false},
		"another one":               {file("another", []byte("ELF")) + " (deleted)", "", true},
		"a link to another one":     {exe, file("next", changed), true},
		"a script that starts it":   {exe, file("script", []byte("#!/bin/sh\nexec feedd\n")), false},
		"replaced under the script": {file("replaced", changed), file("script", []byte("#!/bin/sh\n")), true},
		"none any more":             {filepath.Join(dir, "gone"), filepath.Join(dir, "gone, too"), false},
		"a directory by now":        {dir, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			h := singleton.Holder{}
			h.PID, h.Exe = os.Getpid(), tt.before
			if got := cli.ThisMachine().Replaced(h, tt.program); got != tt.want {
				t.Errorf("replaced: %v, want %v", got, tt.want)
			}
		})
	}
}

// The program on disk may be the copy that this very install makes.
func TestIssue10_5_TheCopyIsTheNewProgram(t *testing.T) {
	p, _ := installed(t, true)
	src, dst := filepath.Join(p.dir, "src"), filepath.Join(p.dir, "dst")
	p.put(src, "new")
	p.put(dst, "old")
	p.m.steps = []platform.Step{{Kind: platform.StepCopyFile, Describe: "copy it", Source: src, Path: dst, Mode: 0o755}}
	p.m.file = ""
	p.wants("install --restart --dry-run", 0, "let fake restart the service")
	p.put(dst, "new")
	p.wants("install --restart --dry-run", 0, "copy it")
	if strings.Contains(p.out.String(), "restart") {
		t.Error(p.out.String())
	}
}

// The service that ran by the old definition was stopped by a takeover, and nobody said so.
func TestIssue10_4_WhatIsTakenOverGoesOn(t *testing.T) {
	adopts := func(stops bool) *place {
		p := newPlace(t)
		p.theirs(nil)
		p.m.logs = []string{"show", "feedd"}
		p.m.steps = []platform.Step{{Kind: platform.StepRun, Describe: "stop it", Argv: []string{"stop it"}, Stops: stops}}
		p.m.on = func(string) { running(p) }
		return p
	}
	became := func(p *place) { // what a real manager would say from the install on
		m := p.m
		m.st = platform.Status{Manager: "fake", Installed: true, Phase: platform.PhaseStopped}
	}
	p := adopts(true)
	m := p.machine()
	m.System = afterRun{m.System, func() { became(p) }}
	if err := p.runOn(t.Context(), m, "install", "--adopt"); err != nil {
		t.Fatal(err)
	}
	want := "The service of the previous definition was stopped: starting feedd in its place.\nfeedd is installed (fake).\nfeedd is ready after 0.0 s, pid 70; log: show feedd\n"
	if got := p.out.String(); got != want || !slices.Equal(p.did, []string{"stop it", "start"}) {
		t.Errorf("says %q, did %q", got, p.did)
	}
	p = adopts(true)
	p.wants("install --adopt --dry-run", 0, "3. let fake start the service, and wait until it is ready")
	p = adopts(false)
	m = p.machine()
	m.System = afterRun{m.System, func() { became(p) }}
	if err := p.runOn(t.Context(), m, "install", "--adopt"); err != nil || !slices.Equal(p.did, []string{"stop it"}) {
		t.Errorf("it did not run: %v, did %q", err, p.did)
	}
}

// afterRun calls a function when a command has been run.
type afterRun struct {
	platform.System
	then func()
}

func (a afterRun) Run(ctx context.Context, argv ...string) (string, error) {
	out, err := a.System.Run(ctx, argv...)
	a.then()
	return out, err
}

// install --start never said that the service is up; now a second one says so too.
func TestIssue10_6_InstallStartSaysThatItIsUp(t *testing.T) {
	p := newPlace(t)
	p.m.logs = []string{"show", "feedd"}
	p.m.on = func(string) { running(p) }
	p.wants("install --program /opt/feedd --start", 0, "feedd is installed (fake).\nfeedd is ready after 0.0 s, pid 70; log: show feedd\n", "install", "start")
	p.wants("install --program /opt/feedd --start", 0, "feedd is already running, pid 70; log: show feedd\n", "install", "start")
	p.wants("install --program /opt/feedd --start --json", 0, "feedd is already running", "install", "start")
	p.json()
	p.m.acts = errors.New("no")
	if code, err := p.run("install", "--start"); code == 0 || strings.Contains(p.out.String(), "ready") {
		t.Errorf("%v: %s", err, p.out.String())
	}
}

// install --json prints only JSON, whether a restart is due or not.
func TestInstallJSONIsOneObject(t *testing.T) {
	p, set := installed(t, true)
	set("[service]\nuser = \"alice\"\n")
	p.wants("install --json", 0, "a restart is due")
	if steps, ok := p.json()["steps"].([]any); !ok || len(steps) != 2 {
		t.Errorf("%v", p.json())
	}
	p.wants("install --json", 0, "a restart is due")
	if steps, ok := p.json()["steps"].([]any); !ok || len(steps) != 0 {
		t.Errorf("nothing was done: %v", p.json())
	}
	p.wants("install --json --runtime-dir "+p.cfg.RuntimeDir, 0, "record of the installation")
	if steps, ok := p.json()["steps"].([]any); !ok || len(steps) != 1 || steps[0].(map[string]any)["kind"] != "record" {
		t.Errorf("the record was written: %v", p.json())
	}
	p.wants("install --json --restart", 0, "ready after", "restart")
	p.json()
}

// --dry-run omitted what --start and --restart do, and plan omitted the record.
func TestIssue10_7_ADryRunIsWhole(t *testing.T) {
	p, _ := installed(t, false)
	p.wants("install --dry-run --start", 0, "3. let fake start the service, and wait until it is ready\n")
	p.wants("install --dry-run --restart", 0, "2 steps")
	p.wants("plan --json", 0, "")
	steps, ok := p.json()["steps"].([]any)
	if !ok || len(steps) != 2 {
		t.Fatal(p.out.String())
	}
	path := state.ManifestPath(filepath.Join(p.dir, "holdfast"), "feedd")
	record, ok := steps[1].(map[string]any)
	if content, is := record["content"].(string); !ok || !is || record["kind"] != "record" || record["path"] != path || !strings.Contains(content, `"program": "/opt/feedd"`) {
		t.Errorf("%v", record)
	}
	before, err := os.ReadFile(path)
	if err != nil || string(before) != record["content"] {
		t.Errorf("it is not what is there, where nothing changes: %v\n%s", err, before)
	}

	p, set := installed(t, true)
	p.wants("install --dry-run --restart", 0, "2 steps")
	set("[service]\nuser = \"alice\"\n")
	p.wants("install --dry-run --restart", 0, "3. let fake restart the service")
	p.wants("install --dry-run", 0, "2 steps")
	if len(p.did) > 0 {
		t.Errorf("did %q", p.did)
	}
}

// reloader is a program whose reload takes its own tables; plain is one that has none.
type (
	plain    struct{ service.Program }
	reloader struct{ service.Program }
)

func (plain) Tables() map[string]any          { return map[string]any{"feed": &struct{ URL, Key string }{}} }
func (reloader) Tables() map[string]any       { return plain{}.Tables() }
func (reloader) Reload(context.Context) error { return nil }

// partly is a program that takes a key only when it starts.
type partly struct{ reloader }

func (partly) NeedsRestart(key string) bool { return key == "feed.key" }

// Keys of the program's own tables that are not in force are named, by every command.
func TestIssue10_5_KeysOfTheProgramsOwnTables(t *testing.T) {
	for name, tt := range map[string]struct {
		prog service.Program
		says string
	}{
		"a program that reloads": {reloader{}, "changed, but not loaded yet: feed.key, feed.url: feedd reload applies that"},
		"one that takes a part":  {partly{}, "changed, but not loaded yet: feed.url: feedd reload applies that"},
		"the other part":         {partly{}, "changed since the start: feed.key: feedd restart applies that"},
		"one that does not":      {plain{}, "changed since the start: feed.key, feed.url: feedd restart applies that"},
	} {
		t.Run(name, func(t *testing.T) {
			p, set := installed(t, true)
			p.prog = tt.prog
			file := filepath.Join(p.dir, "feedd.toml")
			inForce := func(text string) {
				t.Helper()
				set(text)
				cfg, err := service.Config{Name: "feedd", File: file, Tables: []string{"feed"}}.Load()
				if err != nil {
					t.Fatal(err)
				}
				if err := state.WriteProgramSettings(p.cfg.StateDir+"/feedd.settings.json", feedd, cfg.ProgramSettings()); err != nil {
					t.Fatal(err)
				}
			}
			inForce("[feed]\nurl = \"a\"\n")
			p.silent("status", "plan --diff", "start", "restart", "reload")
			set("[feed]\nurl = \"b\"\nkey = \"c\"\n")
			for _, line := range []string{"status", "plan --diff", "start", "reload", "install"} {
				if _, err := p.run(strings.Fields(line)...); err != nil {
					t.Error(err)
				}
				if !strings.Contains(p.out.String()+p.errs.String(), tt.says) {
					t.Errorf("%s does not say %q:\n%s%s", line, tt.says, p.out.String(), p.errs.String())
				}
			}
			p.wants("plan --diff --json", 0, tt.says)
			want := 1
			if _, both := tt.prog.(partly); both {
				want = 2
			}
			if notes, ok := p.json()["notes"].([]any); !ok || len(notes) != want {
				t.Error(p.out.String())
			}
			// A restart that could not put it into force would say so, too.
			p.wants("restart", 0, tt.says, "restart")
			p.m.on = func(string) { inForce("[feed]\nurl = \"b\"\nkey = \"c\"\n") }
			p.silent("restart", "status")
			// What another process left is not believed.
			set("[feed]\n")
			if err := state.WriteProgramSettings(p.cfg.StateDir+"/feedd.settings.json", other, nil); err != nil {
				t.Fatal(err)
			}
			p.m.on = nil
			p.silent("status", "start", "restart")
		})
	}
}

// After an install without a restart, start and plan --diff printed nothing.
func TestIssue10_5_AfterAnInstallEveryCommandSaysWhatIsDue(t *testing.T) {
	p, set := installed(t, true)
	set("[service]\nuser = \"alice\"\nhealth_interval = \"7s\"\n[service.log]\nlevel = \"debug\"\n")
	p.wants("install", 0, "a restart is due")
	for _, line := range []string{"plan --diff", "start", "reload", "status"} {
		if _, err := p.run(strings.Fields(line)...); err != nil {
			t.Error(err)
		}
		for _, says := range []string{"definition before the last install", "health_interval: feedd restart", "log.level: feedd reload"} {
			if all := p.out.String() + p.errs.String(); strings.Count(all, says) != 1 {
				t.Errorf("%s does not say %q, once:\n%s", line, says, all)
			}
		}
	}
}

// A candidate on trial is not an outdated program, although the installed one differs.
func TestACandidateIsNotReplaced(t *testing.T) {
	p, _ := installed(t, true)
	p.replaced = true
	p.writes(feedd, platform.PhaseReady, func(s *state.State) { s.Trial = "7" })
	p.silent("status", "start", "plan --diff")
}

// If the system does not say which file a process runs, a file that was written since is
// another program.
func TestAProgramThatWasWrittenSince(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, "old"), filepath.Join(dir, "young")
	for path, age := range map[string]time.Duration{old: -time.Hour, young: time.Hour} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, noon.Add(age), noon.Add(age)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		before, program string
		since           time.Time
		want            bool
	}{
		{old, "", noon, false}, {young, "", noon, true}, {old, young, noon, true}, {old, old, noon, false}, {young, "", time.Time{}, false},
	} {
		h := singleton.Holder{Since: tt.since}
		h.Exe = tt.before // of a process that nobody sees
		if got := cli.ThisMachine().Replaced(h, tt.program); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}
