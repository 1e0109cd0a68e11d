package native

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/container"
	"github.com/holdfast-dev/holdfast/platform/internal/foreign"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
	"github.com/holdfast-dev/holdfast/platform/internal/openrc"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
	"github.com/holdfast-dev/holdfast/platform/internal/sysv"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// A Login is the user whose services a [Manager] sees in addition to those of the machine.
type Login struct {
	UID        int
	User       string // name; empty: unknown
	Home       string // home directory; empty: services of the user are refused
	ConfigHome string // $XDG_CONFIG_HOME; empty: .config in Home
	RuntimeDir string // $XDG_RUNTIME_DIR
	// NoBus means that no systemd of the user can be reached from this process: no variable
	// says where one is, and it is not in the usual place.
	NoBus bool
}

// login returns the user who runs this process.
func login() Login {
	home, _ := os.UserHomeDir()
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	_, usual := os.Stat("/run/user/" + strconv.Itoa(os.Getuid()))
	return Login{
		UID: os.Getuid(), User: name, Home: home, ConfigHome: os.Getenv("XDG_CONFIG_HOME"), RuntimeDir: dir,
		NoBus: dir == "" && os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" && errors.Is(usual, fs.ErrNotExist),
	}
}

// stateOn returns the function that reads state files on the machine sys.
func stateOn(sys platform.System) func(string) (state.State, error) {
	if _, here := sys.(System); here {
		return state.Read // the directory may be another user's
	}
	return state.By(sys)
}

// Managers returns the names that [Manager] accepts.
func Managers() []string {
	return []string{"compose", "kubernetes", "launchd", "openrc", "scm", "systemd", "sysv"}
}

// Manager returns the manager with that name, even if it does not run this machine: a plan can
// be made for any machine. "auto" and "" select the manager that runs this machine. If there
// is none for it, the error is platform.ErrNoManager and says what runs the machine.
func Manager(name string) (platform.Manager, error) { return ManagerOr(nil, name) }

// ManagerOn returns the manager with that name for the machine sys, as seen by the user who.
// The Windows SCM has calls of its own, so it ignores sys.
func ManagerOn(name string, sys platform.System, who Login) (platform.Manager, error) {
	switch name { // no map of functions: each program would link what they make
	case "compose":
		return container.Compose(), nil
	case "kubernetes":
		return container.Kubernetes(), nil
	case "launchd":
		return launchd.New(sys, launchd.Options{UID: who.UID, Home: who.Home, Dirs: launchdDirs, State: stateOn(sys)}), nil
	case "openrc":
		return openrc.New(sys), nil
	case "scm":
		return services(), nil
	case "systemd":
		return systemd.New(sys, systemd.Options{User: who.User, Home: who.Home, ConfigHome: who.ConfigHome, RuntimeDir: who.RuntimeDir, NoBus: who.NoBus}), nil
	case "sysv":
		return sysv.New(sys), nil
	}
	return nil, fmt.Errorf("manager %q: %w: choose one of %s", name, platform.ErrUnsupported, strings.Join(Managers(), ", "))
}

// LeftOut returns the settings that the manager with that name, ours or a fallback's, leaves
// out of the definition of a service in that scope. It honours or refuses all others.
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
	case "compose", "kubernetes":
		return container.LeftOut(manager)
	}
	return foreign.LeftOut(manager)
}
