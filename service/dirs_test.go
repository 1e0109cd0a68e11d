package service_test

import (
	"runtime"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// The manager's variables count only in the process that it started. A flag takes precedence
// over the manager, and the manager over the platform. In any other process the variables
// belong to another service (issue 9, 1): `uninstall --purge` used to remove its directories.
func TestDirs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the paths of this test are those of Unix")
	}
	for _, v := range []string{"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY"} {
		t.Setenv(v, "")
	}
	dirs := func(c service.Config, manager string) service.Dirs {
		t.Helper()
		c.Scope = platform.ScopeSystem
		d, err := c.OwnDirs(manager)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	two := service.Config{Name: "feedd", Instance: "two"}
	own := dirs(two, "systemd")
	if runtime.GOOS == "linux" {
		want := service.Dirs{Runtime: "/run/feedd@two", State: "/var/lib/feedd@two", Logs: "/var/log/feedd@two", Config: "/etc/feedd@two"}
		if own != want {
			t.Errorf("the platform's: %+v, want %+v", own, want)
		}
	}

	t.Setenv("RUNTIME_DIRECTORY", "/run/a:/run/b") // a unit may ask for two
	t.Setenv("STATE_DIRECTORY", "/state")
	t.Setenv("LOGS_DIRECTORY", "relative")
	t.Setenv("CONFIGURATION_DIRECTORY", "/conf")
	want := service.Dirs{Runtime: "/run/a", State: "/state", Logs: own.Logs, Config: "/conf"}
	if got := dirs(two, "systemd"); got != want {
		t.Errorf("the manager's: %+v, want %+v", got, want)
	}
	if got := dirs(two, ""); got != own {
		t.Errorf("in a run by hand, another service's: %+v, want %+v", got, own)
	}
	for _, scope := range []platform.Scope{platform.ScopeSystem, ""} {
		c := two
		c.Scope = scope
		if got, err := c.Dirs(); got.Runtime == "/run/a" || got.State == "/state" || err != nil {
			t.Errorf("in a command's environment, another service's: %+v, %v", got, err)
		}
	}

	want.Runtime, want.State = "/flag/run", "/flag/state"
	got := dirs(service.Config{Name: "feedd", Instance: "two", RuntimeDir: "/flag/run", StateDir: "/flag/state"}, "systemd")
	if got != want {
		t.Errorf("the flags': %+v, want %+v", got, want)
	}
}

func TestDirsOfAUser(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("XDG directories are for Linux here")
	}
	t.Setenv("HOME", "/home/ann")
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	d, err := service.Config{Name: "feedd"}.DirsFor(platform.ScopeUser)
	if err != nil || d.Runtime != "/run/user/1000/feedd" || d.State != "/home/ann/.local/state/feedd" {
		t.Errorf("%+v, %v", d, err)
	}
	t.Setenv("XDG_RUNTIME_DIR", "") // never use /tmp, where others can be first
	if d, _ := (service.Config{Name: "feedd"}).DirsFor(platform.ScopeUser); d.Runtime != "/home/ann/.local/state/feedd/run" {
		t.Errorf("without XDG_RUNTIME_DIR: %+v", d)
	}
}

// A service's user needs no home directory. The directories of a system service do not depend
// on its user, and those that the manager made need nothing else.
func TestDirsWithoutAHome(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the paths of this test are those of Linux")
	}
	for _, v := range []string{"HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY"} {
		t.Setenv(v, "")
	}
	c := service.Config{Name: "feedd", Scope: platform.ScopeSystem}
	want := service.Dirs{Runtime: "/run/feedd", State: "/var/lib/feedd", Logs: "/var/log/feedd", Config: "/etc/feedd"}
	if d, err := c.Dirs(); err != nil || d != want {
		t.Errorf("of the system: %+v, %v", d, err)
	}
	c.Scope = platform.ScopeUser
	t.Setenv("RUNTIME_DIRECTORY", "/run/feedd")
	t.Setenv("STATE_DIRECTORY", "/var/lib/feedd")
	if d, err := c.OwnDirs("systemd"); err != nil || d.Runtime != "/run/feedd" || d.State != "/var/lib/feedd" {
		t.Errorf("made by the manager: %+v, %v", d, err)
	}
	if d, err := c.OwnDirs(""); err == nil {
		t.Errorf("of a user without a home: %+v", d)
	}
}
