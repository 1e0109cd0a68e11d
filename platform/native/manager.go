package native

import (
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/foreign"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
	"github.com/holdfast-dev/holdfast/platform/internal/openrc"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
	"github.com/holdfast-dev/holdfast/platform/internal/sysv"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// Login is the user whose services a [Manager] sees beside those of the machine.
type Login struct {
	UID        int
	User       string // the name; empty: it is not known
	Home       string // home directory; empty: services of a user are refused when they come up
	ConfigHome string // $XDG_CONFIG_HOME; empty: .config in Home
	RuntimeDir string // $XDG_RUNTIME_DIR
}

// login is the user who runs this process.
func login() Login {
	home, _ := os.UserHomeDir()
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return Login{UID: os.Getuid(), User: name, Home: home, ConfigHome: os.Getenv("XDG_CONFIG_HOME"), RuntimeDir: os.Getenv("XDG_RUNTIME_DIR")}
}

// managers makes the managers that we have, by name.
var managers = map[string]func(platform.System, Login) platform.Manager{
	"launchd": func(sys platform.System, who Login) platform.Manager {
		return launchd.New(sys, launchd.Options{UID: who.UID, Home: who.Home, Dirs: launchdDirs, State: stateOn(sys)})
	},
	"systemd": func(sys platform.System, who Login) platform.Manager {
		return systemd.New(sys, systemd.Options{User: who.User, Home: who.Home, ConfigHome: who.ConfigHome, RuntimeDir: who.RuntimeDir})
	},
	"openrc": func(sys platform.System, _ Login) platform.Manager { return openrc.New(sys) },
	"scm":    func(platform.System, Login) platform.Manager { return services() },
	"sysv":   func(sys platform.System, _ Login) platform.Manager { return sysv.New(sys) },
}

// stateOn is how state files are read on the machine that sys reaches.
func stateOn(sys platform.System) func(string) (state.State, error) {
	if _, here := sys.(System); here {
		return state.Read // the directory may be another user's
	}
	return state.By(sys)
}

// Managers are the names that [Manager] knows.
func Managers() []string { return slices.Sorted(maps.Keys(managers)) }

// Manager gives the manager of that name on this machine, whether it runs here
// or not: a plan can be made for any machine. "auto" and "" are the one that
// runs this machine; where that is none of ours the error is
// platform.ErrNoManager and says what we found.
func Manager(name string) (platform.Manager, error) { return ManagerOr(nil, name) }

// ManagerOn gives the manager of that name on the machine that sys reaches, as
// who sees it. The Windows SCM is reached by calls of its own: there sys does
// not matter.
func ManagerOn(name string, sys platform.System, who Login) (platform.Manager, error) {
	m, ok := managers[name]
	if !ok {
		return nil, fmt.Errorf("manager %q: %w: choose one of %s", name, platform.ErrUnsupported, strings.Join(Managers(), ", "))
	}
	return m(sys, who), nil
}

// LeftOut are the settings that the manager of that name, ours or a fallback's, leaves
// out of the definition of a service of that scope. All others it honours or refuses.
func LeftOut(manager string, scope platform.Scope) []platform.Omission {
	switch manager {
	case "systemd":
		return systemd.LeftOut(scope)
	case "launchd":
		return launchd.LeftOut(scope)
	case "sysv":
		return sysv.LeftOut()
	case "openrc":
		return openrc.LeftOut()
	case "scm":
		return scm.LeftOut()
	}
	return foreign.LeftOut(manager)
}
