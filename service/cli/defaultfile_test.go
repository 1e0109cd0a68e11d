package cli_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// withDefault returns a place whose program has a default configuration, and the path for it.
// The file does not exist.
func withDefault(t *testing.T) (p *place, file string) {
	home := filepath.Join(t.TempDir(), "home")
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "LocalAppData"} {
		t.Setenv(name, home)
	}
	p = newPlace(t)
	p.cfg.DefaultFile = "[service]\nstop_timeout = \"11s\"\n"
	p.m.file = filepath.Join(p.dir, "feedd.unit")
	p.m.st.Enabled = true
	d, err := p.cfg.DirsFor(platform.ScopeUser)
	if err != nil {
		t.Fatal(err)
	}
	return p, filepath.Join(d.Config, "feedd.toml")
}

// says fails the test unless the file has that content. An empty want means that there must be
// no file.
func says(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if string(got) != want || (err != nil) != (want == "") {
		t.Errorf("%s: %q, %v, want %q", path, got, err, want)
	}
}

const (
	install      = "install --program /opt/feedd"
	nothingTo    = "nothing has changed"
	newerDefault = "[service]\nstop_timeout = \"22s\"\n"
	edited       = "[service]\nstop_timeout = \"33s\"\n"
)

// The configuration that comes with a program is written if there is none, and is in force at
// once. It is removed with the service, together with the directories that were made for it.
func TestIssue11_TheProgramsConfigurationIsWrittenWhereThereIsNone(t *testing.T) {
	p, file := withDefault(t)
	for _, args := range []string{"plan", install + " --dry-run"} {
		p.wants(args, 0, file)
		if !strings.Contains(p.out.String(), "the configuration that comes with the program") {
			t.Errorf("%s does not show it:\n%s", args, &p.out)
		}
		says(t, file, "")
	}
	p.wants(install, 0, "feedd is installed")
	says(t, file, p.cfg.DefaultFile)
	if p.m.unit.StartTimeout == 0 || strings.Join(p.m.unit.Exec, " ") != "/opt/feedd run --config "+file+" --runtime-dir "+p.cfg.RuntimeDir+" --state-dir "+p.cfg.StateDir+" --scope user" {
		t.Errorf("the definition has %q", p.m.unit.Exec)
	}
	p.wants("config show", 0, `service.stop_timeout = "11s"`)
	p.wants(install, 0, nothingTo)
	p.wants("uninstall", 0, "is uninstalled", "remove")
	says(t, file, "")
	if _, err := os.Stat(filepath.Dir(filepath.Dir(file))); err == nil {
		t.Error("the directories that were made for it are left")
	}
	p.wants(install+" --config "+p.dir+"/none.toml", platform.ExitBadConfig, "none.toml")
	says(t, file, "") // another one was named
}

// Everybody can read it, whatever the umask.
func TestIssue11_TheProgramsConfigurationHasItsMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no umask")
	}
	p, file := withDefault(t)
	withUmask(t, 0o077)
	p.wants(install, 0, "feedd is installed")
	for path, want := range map[string]os.FileMode{file: 0o644, filepath.Dir(file): 0o755, filepath.Dir(filepath.Dir(file)): 0o755, p.dir + "/holdfast": 0o755, p.dir + "/holdfast/feedd.json": 0o644} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode().Perm(), err, want)
		}
	}
}

// Only the service's user can read a secret configuration, and that user must exist.
func TestASecretConfigurationIsTheServicesAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	p, file := withDefault(t)
	p.cfg.DefaultFileSecret = true
	p.wants(install, 0, "feedd is installed")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(file, 0o644); err != nil { // by an install that did not know yet
		t.Fatal(err)
	}
	p.wants(install, 0, "let only the service's user read the configuration")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if p.wants(install, 0, ""); strings.Contains(p.out.String()+p.errs.String(), "let only the service's user") {
		t.Errorf("again:\n%s", p.out.String())
	}
	p.accounts = map[string]string{"feed": "77", "feeders": "78"}
	for _, tt := range []struct {
		user, group string
		want        string
	}{{"", "", `"mode": "0600"`}, {"root", "", `"mode": "0600"`}, {"feed", "", `"mode": "0640"`}, {"feed", "feeders", `"mode": "0640"`}} {
		p.cfg.User, p.cfg.Group = tt.user, tt.group
		p.wants("plan --scope system --json --program /opt/feedd", 0, tt.want)
	}
	p.cfg.User, p.cfg.Group = "nobody-knows", ""
	p.wants("plan --scope system --program /opt/feedd", 1, "so that user has to exist first")
}

// install and uninstall keep a changed configuration. The one of a newer version is put beside
// it, once.
func TestIssue11_AChangedConfigurationIsKept(t *testing.T) {
	p, file := withDefault(t)
	p.wants(install, 0, "feedd is installed")
	p.cfg.DefaultFile = newerDefault
	p.wants(install, 0, "the previous one is unchanged")
	says(t, file, newerDefault)
	p.put(file, edited)
	p.wants(install, 0, nothingTo)
	newest := "# better\n" + newerDefault
	p.cfg.DefaultFile = newest
	p.wants("plan", 0, "is written to "+file+".new")
	p.wants(install, 0, "is written to "+file+".new")
	says(t, file, edited)
	says(t, file+".new", newest)
	p.wants(install, 0, nothingTo)
	if err := os.Remove(file + ".new"); err != nil {
		t.Fatal(err)
	}
	p.wants(install, 0, nothingTo) // who has thrown it away is not given it again
	says(t, file+".new", "")
	p.cfg.DefaultFile = newerDefault
	p.wants(install, 0, "is written to")
	p.put(file, newerDefault) // taken over by hand
	p.wants(install, 0, "written next to it")
	says(t, file+".new", "")
	p.put(file, edited)
	p.wants("uninstall", 0, "Its configuration stays: "+file, "remove")
	says(t, file, edited)
	p.wants(install, 0, "feedd is installed") // by now it is somebody else's
	p.cfg.DefaultFile = newest
	p.wants(install, 0, nothingTo)
	says(t, file, edited)
	says(t, file+".new", "")
	p.wants("uninstall --purge", 0, "Its configuration stays: "+file, "remove", "remove all of /run", "remove all of /state")
	says(t, file, edited)
}

// An unchanged file that was put beside the configuration is removed with the service.
func TestIssue11_WhatWasLaidBesideGoesWithTheService(t *testing.T) {
	p, file := withDefault(t)
	p.wants(install, 0, "feedd is installed")
	p.put(file, edited)
	p.cfg.DefaultFile = newerDefault
	p.wants(install, 0, "is written to")
	p.wants("uninstall --purge", 0, file, "remove", "remove all of /run", "remove all of /state")
	says(t, file, edited)
	says(t, file+".new", "")
}

// checked is a program that accepts a configuration or does not, and reads it.
type checked struct {
	service.ProgramFunc
	bad error
}

func (c *checked) Check(_ context.Context, cfg service.Config) error {
	if _, err := os.ReadFile(cfg.File); err != nil {
		return err
	}
	return c.bad
}

// A failed install removes the file. The program was asked while the file was there.
func TestIssue11_TheProgramsConfigurationIsTakenBack(t *testing.T) {
	p, file := withDefault(t)
	prog := &checked{bad: errors.New("no feed")}
	p.prog = prog
	p.wants(install, platform.ExitBadConfig, "no feed")
	says(t, file, "")
	if _, err := os.Stat(filepath.Dir(filepath.Dir(file))); err == nil || p.left() != "" {
		t.Errorf("left: %s", p.left())
	}
	prog.bad = nil
	p.wants(install, 0, "feedd is installed")
	p.cfg.DefaultFile = newerDefault
	p.m.on = func(verb string) {
		p.m.acts = nil
		if verb == "start" {
			p.m.acts = errors.New("it did not get ready")
		}
	}
	p.wants(install+" --start", 1, "it did not get ready", "start", "stop")
	says(t, file, "[service]\nstop_timeout = \"11s\"\n")
	p.m.fails = errors.New("it cannot be removed")
	p.wants("uninstall", 1, "it cannot be removed")
	says(t, file, "[service]\nstop_timeout = \"11s\"\n")
}

// The program's own tables in it are checked before the file is written.
func TestTheProgramsConfigurationIsCheckedBeforeItIsWritten(t *testing.T) {
	p, file := withDefault(t)
	p.prog = &feeder{}
	p.cfg.DefaultFile = badTable
	for _, args := range []string{"plan", install + " --dry-run", install} {
		p.wants(args, platform.ExitBadConfig, file+":3: feed.url: no such protocol")
		if p.out.Len() > 0 {
			t.Errorf("%s has a plan:\n%s", args, &p.out)
		}
		says(t, file, "")
	}
	p.cfg.DefaultFile = "[feed]\nurl = 'https://x'\n"
	p.wants(install, 0, "feedd is installed")
}
