package service_test

import (
	"runtime"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// A flag beats the manager, the manager beats the platform.
func TestDirs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the paths of this test are those of Unix")
	}
	for _, v := range []string{"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY"} {
		t.Setenv(v, "")
	}
	dirs := func(c service.Config) service.Dirs {
		t.Helper()
		d, err := c.DirsFor(platform.ScopeSystem)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	own := dirs(service.Config{Name: "feedd", Instance: "two"})
	if runtime.GOOS == "linux" {
		want := service.Dirs{Runtime: "/run/feedd@two", State: "/var/lib/feedd@two", Logs: "/var/log/feedd@two", Config: "/etc/feedd@two"}
		if own != want {
			t.Errorf("the platform's: %+v, want %+v", own, want)
		}
	}

	t.Setenv("RUNTIME_DIRECTORY", "/run/a:/run/b") // two, if the unit asks for two
	t.Setenv("STATE_DIRECTORY", "/state")
	t.Setenv("LOGS_DIRECTORY", "relative")
	t.Setenv("CONFIGURATION_DIRECTORY", "/conf")
	want := service.Dirs{Runtime: "/run/a", State: "/state", Logs: own.Logs, Config: "/conf"}
	if got := dirs(service.Config{Name: "feedd", Instance: "two"}); got != want {
		t.Errorf("the manager's: %+v, want %+v", got, want)
	}

	want.Runtime, want.State = "/flag/run", "/flag/state"
	got := dirs(service.Config{Name: "feedd", Instance: "two", RuntimeDir: "/flag/run", StateDir: "/flag/state"})
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
	t.Setenv("XDG_RUNTIME_DIR", "") // never /tmp, where others can be first
	if d, _ := (service.Config{Name: "feedd"}).DirsFor(platform.ScopeUser); d.Runtime != "/home/ann/.local/state/feedd/run" {
		t.Errorf("without XDG_RUNTIME_DIR: %+v", d)
	}
}
