package systemd

import (
	"fmt"
	"path"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// Options say whose services a Manager keeps when their scope is a user. For
// services of the machine nothing is needed.
type Options struct {
	User       string // the user's name
	Home       string // the user's home directory
	ConfigHome string // $XDG_CONFIG_HOME; empty: .config in Home
	RuntimeDir string // $XDG_RUNTIME_DIR; empty: Removal leaves what is there
}

// Manager keeps services with systemd. It holds no state: every answer is a
// new question to the machine.
type Manager struct {
	sys platform.System
	o   Options
}

var _ platform.Manager = (*Manager)(nil)

// New makes a Manager that reaches the machine through sys.
func New(sys platform.System, o Options) *Manager { return &Manager{sys: sys, o: o} }

// Name is "systemd".
func (m *Manager) Name() string { return "systemd" }

const systemUnits = "/etc/systemd/system"

// unitFile is where the unit of id belongs.
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
		return "", fmt.Errorf("the user's configuration directory is not known (HOME or XDG_CONFIG_HOME): %w", platform.ErrBadUnit)
	}
	return path.Join(config, "systemd/user", unit(id)), nil
}

func unit(id platform.ID) string { return id.String() + ".service" }

// runtimeDir is the directory that outlives the service by
// RuntimeDirectoryPreserve=, or, for a user, that the program made itself.
func (m *Manager) runtimeDir(id platform.ID) string {
	switch {
	case id.Scope == platform.ScopeSystem:
		return path.Join("/run", id.String())
	case path.IsAbs(m.o.RuntimeDir):
		return path.Join(m.o.RuntimeDir, id.String())
	}
	return ""
}

// systemctl is the one place where its command lines are made.
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
