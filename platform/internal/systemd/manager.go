package systemd

import (
	"fmt"
	"path"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Options describe the user whose services a Manager manages in user scope. Services of the
// machine need no options.
type Options struct {
	User       string // the user's name
	Home       string // the user's home directory
	ConfigHome string // $XDG_CONFIG_HOME; empty: .config in Home
	RuntimeDir string // $XDG_RUNTIME_DIR; empty: Removal does not remove runtime directories
	NoBus      bool   // no systemd of the user can be reached from this process
}

// A Manager manages services with systemd. It has no state, and queries the machine each time.
type Manager struct {
	sys platform.System
	o   Options
}

var _ platform.Manager = (*Manager)(nil)

// New returns a Manager for the machine sys.
func New(sys platform.System, o Options) *Manager { return &Manager{sys: sys, o: o} }

// Name returns "systemd".
func (m *Manager) Name() string { return "systemd" }

const systemUnits = "/etc/systemd/system"

// unitFile returns the path of the unit of id.
func (m *Manager) unitFile(id platform.ID) (string, error) {
	if err := room.CheckID(id); err != nil {
		return "", err
	}
	if id.Scope == platform.ScopeSystem {
		return path.Join(systemUnits, unit(id)), nil
	}
	config := m.o.ConfigHome
	if config == "" && m.o.Home != "" {
		config = path.Join(m.o.Home, ".config")
	}
	if !path.IsAbs(config) {
		return "", fmt.Errorf("the user's configuration directory is unknown (HOME or XDG_CONFIG_HOME): %w", platform.ErrBadUnit)
	}
	return path.Join(config, "systemd/user", unit(id)), nil
}

func unit(id platform.ID) string { return id.String() + ".service" }

// runtimeDir returns the runtime directory. It outlives the service because of
// RuntimeDirectoryPreserve= or, for a user's service, because the program itself made it.
func (m *Manager) runtimeDir(id platform.ID) string {
	switch {
	case id.Scope == platform.ScopeSystem:
		return path.Join("/run", id.String())
	case path.IsAbs(m.o.RuntimeDir):
		return path.Join(m.o.RuntimeDir, id.String())
	}
	return ""
}

// systemctl makes all command lines of systemctl.
func systemctl(scope platform.Scope, args ...string) []string {
	argv := []string{"systemctl"}
	if scope == platform.ScopeUser {
		argv = append(argv, "--user")
	}
	return append(append(argv, "--no-pager", "--no-ask-password"), args...)
}

func (m *Manager) exists(path string) bool {
	_, err := m.sys.Stat(path)
	return err == nil
}
