package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
)

// installed returns a place where the service is installed with a configuration file. If runs
// is set, the service runs with it.
func installed(t *testing.T, runs bool) (p *place, set func(string)) {
	p = newPlace(t)
	file := filepath.Join(p.dir, "feedd.toml")
	p.put(file, "")
	p.m.file = filepath.Join(p.dir, "feedd.unit")
	p.m.st.Enabled = true
	p.accounts = map[string]string{"alice": "5"}
	p.now = func() time.Time { return noon.Add(-time.Hour) }
	p.wants("install --program /opt/feedd --config "+file, 0, "feedd is installed (fake).\n")
	p.now = func() time.Time { return noon }
	if runs {
		p.runs(feedd, "fake")
		p.m.st.Phase, p.m.st.PID = platform.PhaseReady, feedd.PID
		p.writes(feedd, platform.PhaseReady, func(s *state.State) {
			s.ConfigFile = file
			s.Settings = service.Config{Name: "feedd"}.Settings()
		})
	}
	return p, func(text string) { p.put(file, text) }
}

func (p *place) silent(args ...string) {
	p.t.Helper()
	for _, line := range args {
		if code, err := p.run(strings.Fields(line)...); code == platform.ExitUsage {
			p.t.Error(err)
		}
		if text := p.out.String() + p.errs.String(); strings.Contains(text, "applies") || strings.Contains(text, "changes ") {
			p.t.Errorf("%s: %s", line, text)
		}
	}
}

// An install without anything to do does nothing, and says so.
func TestIssue10_5_InstallDoesNothingWhereNothingIs(t *testing.T) {
	p, _ := installed(t, true)
	before, err := os.Stat(p.m.file)
	if err != nil {
		t.Fatal(err)
	}
	p.wants("install", 0, "feedd is installed (fake): nothing has changed.\n")
	if after, err := os.Stat(p.m.file); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("it was written again: %v, %v", after, err)
	}
	if strings.Contains(p.out.String(), "due") || strings.Contains(p.errs.String(), "changes") {
		t.Error(p.out.String(), p.errs.String())
	}
	p.wants("plan --diff", 0, "")
	if p.out.Len() != 0 {
		t.Error(p.out.String())
	}
	p.silent("start", "restart", "status", "reload --no-wait")
	p.m.st.Enabled = false // somebody disabled it
	p.wants("install", 0, "feedd is installed (fake).\n")
	p.m.st.Enabled = true
	if err := os.Remove(p.m.file); err != nil {
		t.Fatal(err)
	}
	p.wants("install", 0, "feedd is installed (fake).\n")
}

// After `user = "alice"`, reload and restart ended with 0, and the process still ran as root.
func TestIssue10_5_AChangedUserIsToldByEveryCommand(t *testing.T) {
	p, set := installed(t, true)
	set("[service]\nuser = \"alice\"\n[service.limits]\nnofile = 77\n")
	const says = "changed in the configuration, but not in fake's definition of the service: limits.nofile, user: feedd install --restart applies that"
	p.wants("reload", 0, says, "reload")
	p.wants("restart", 0, says, "restart")
	p.wants("start", 0, says, "start")
	p.wants("status", 0, says)
	p.wants("status --json", 0, "limits.nofile, user: feedd install --restart")
	p.wants("plan --diff", 0, "feedd.unit:\n Exec=/opt/feedd")
	if got := p.out.String(); !strings.Contains(got, "\n-User=\n-NoFile=0\n+User=alice\n+NoFile=77\n") {
		t.Error(got)
	}
	p.wants("plan --diff --json", 0, `"+User=alice"`)
	changes, ok := p.json()["changes"].([]any)
	if !ok || len(changes) != 1 {
		t.Errorf("%v", p.json())
	}
}

// A change that install would refuse is not recommended. reload reports it with its place,
// before it requests the reload.
func TestReloadSaysWhatInstallWouldRefuse(t *testing.T) {
	for name, tt := range map[string]struct {
		text, says string
		refuses    func(platform.Unit) error
	}{
		"no such user":      {"user = 'nosuch'", `:2: service.user: there is no user "nosuch"`, nil},
		"no such directory": {"working_directory = '/nonexistent/x'", ":2: service.working_directory: /nonexistent/x does not exist", nil},
		"what it cannot be": {"restart.max = 7", ":2: service.restart.max: no (fake)", func(u platform.Unit) error {
			if u.Restart.Max != 7 {
				return nil
			}
			return &platform.UnitError{Key: "restart.max", Err: errors.New("no")}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(tt.text, "working_directory") && !filepath.IsAbs("/nonexistent/x") {
				t.Skip("the directory of another system is not looked for here")
			}
			p, set := installed(t, true)
			p.cfg.Scope = platform.ScopeSystem
			p.m.refuses = tt.refuses
			set("[service]\n" + tt.text + "\n")
			said := false
			p.m.on = func(string) { said = strings.Contains(p.errs.String(), tt.says) }
			p.wants("reload", 0, "- not in force, and install would refuse it: "+filepath.Join(p.dir, "feedd.toml")+tt.says, "reload")
			if all := p.errs.String(); !said || strings.Contains(all, "--restart") || strings.Count(all, tt.says) != 1 {
				t.Errorf("before %t:\n%s", said, all)
			}
			p.wants("status", 0, "install would refuse it")
			p.wants("install --restart", 78, tt.says)
		})
	}
}

// The running service keeps the old definition until it is restarted. install says so, or
// restarts it.
func TestIssue10_5_ARestartIsDue(t *testing.T) {
	p, set := installed(t, true)
	set("[service]\nuser = \"alice\"\n")
	p.wants("install", 0, "It still runs as before: a restart is due (feedd restart, or install --restart).")
	if text := p.errs.String(); !strings.Contains(text, "- changes "+p.m.file+":\n") || !strings.Contains(text, "  -User=\n  +User=alice\n") {
		t.Error(text)
	}
	p.wants("status", 0, "started under the definition before the last install: feedd restart applies the new one")
	p.wants("install", 0, "a restart is due") // nothing to write, and still due
	p.wants("install --restart", 0, "feedd is installed (fake): its definition has not changed.\nfeedd is ready after 0.0 s, pid 70; log: ", "restart")
	p.now = func() time.Time { return noon.Add(time.Minute) }
	p.writes(feedd, platform.PhaseReady, func(s *state.State) {
		s.StartedAt = noon.Add(time.Second)
		s.ConfigFile = filepath.Join(p.dir, "feedd.toml")
		s.Settings = service.Config{Name: "feedd", User: "alice"}.Settings()
	})
	p.silent("status", "reload")
	p.wants("install --restart", 0, "nothing has changed")

	p, set = installed(t, false) // what does not run is not restarted
	set("[service]\nuser = \"alice\"\n")
	p.wants("start", 0, "user: feedd install applies that", "start")
	p.wants("install --restart", 0, "feedd is installed (fake).\n")
}

// A setting of the process that is not in the definition needs a restart, or a reload if a
// reload applies it.
func TestIssue10_5_KeysOfTheProcess(t *testing.T) {
	p, set := installed(t, true)
	set("[service]\nhealth_interval = \"7s\"\n[service.log]\nlevel = \"debug\"\n")
	p.wants("status", 0, "changed since the start: health_interval: feedd restart applies that")
	if !strings.Contains(p.out.String(), "changed, but not loaded yet: log.level: feedd reload applies that") {
		t.Error(p.out.String())
	}
	p.wants("reload", 0, "health_interval: feedd restart applies that", "reload")
	p.wants("install", 0, "a restart is due")
	p.wants("install --restart", 0, "", "restart")
}

// Somebody edited the definition, or the program renders another one: no key explains the
// difference.
func TestIssue10_5_ADefinitionThatSomebodyEdited(t *testing.T) {
	p, _ := installed(t, true)
	p.put(p.m.file, "User=mallory\n")
	p.wants("status", 0, "fake's definition of the service differs from what install would write now (feedd plan --diff shows it): feedd install --restart updates it")
	p.wants("plan --diff", 0, "-User=mallory\n")
	p.wants("install", 0, "feedd is installed (fake).\n")
}

// An installation without a record (of a package, of an older version) is not compared with
// unknown flags.
func TestIssue10_5_WithoutARecord(t *testing.T) {
	p, set := installed(t, true)
	if err := os.RemoveAll(filepath.Join(p.dir, "holdfast")); err != nil {
		t.Fatal(err)
	}
	file := " --config " + filepath.Join(p.dir, "feedd.toml")
	set("[service]\nuser = \"alice\"\n")
	p.silent("start"+file, "restart"+file, "status"+file)
	// What its process has in force is known nevertheless.
	set("[service]\nhealth_interval = \"7s\"\n")
	p.wants("status"+file, 0, "changed since the start: health_interval: feedd restart applies that")
	p.wants("start"+file, 0, "health_interval: feedd restart applies that", "start")
}
