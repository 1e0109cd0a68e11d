package native

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/launchd"
	"github.com/holdfast-dev/holdfast/platform/openrc"
	"github.com/holdfast-dev/holdfast/platform/systemd"
	"github.com/holdfast-dev/holdfast/platform/sysv"
)

// rooms are the managers that we have, by name.
func rooms() map[string]platform.Manager {
	home, _ := os.UserHomeDir() // without one, user units are refused when they come up
	mac := launchd.Options{UID: os.Getuid(), Home: home, Dirs: launchdDirs}
	return map[string]platform.Manager{
		"launchd": launchd.New(System{}, mac),
		"systemd": systemd.New(System{}, systemd.Options{
			Home: home, ConfigHome: os.Getenv("XDG_CONFIG_HOME"), RuntimeDir: os.Getenv("XDG_RUNTIME_DIR"),
		}),
		"openrc": openrc.New(System{}),
		"scm":    services(),
		"sysv":   sysv.New(System{}),
	}
}

// Managers are the names that [Manager] knows.
func Managers() []string {
	return slices.Sorted(maps.Keys(rooms()))
}

// Manager gives the manager of that name, whether it runs here or not: a plan
// can be made for any machine. "auto" and "" are the one that runs this
// machine; where that is none of ours the error is platform.ErrNoManager and
// says what we found.
func Manager(name string) (platform.Manager, error) {
	if name == "" || name == "auto" {
		running, err := here(runtime.GOOS).running()
		if err != nil {
			return nil, err
		}
		name = running
	}
	m, ok := rooms()[name]
	if !ok {
		return nil, fmt.Errorf("manager %q: %w: choose one of %s", name, platform.ErrUnsupported, strings.Join(Managers(), ", "))
	}
	return m, nil
}
