package launchd

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

// allowed refuses early what launchd would refuse with EIO, its code for almost every error.
func (m *Manager) allowed(id platform.ID) error {
	if id.Scope == platform.ScopeSystem && m.o.UID != 0 {
		return fmt.Errorf("a system service: %w: become root, or use --scope user", platform.ErrPermission)
	}
	return nil
}

// checkFile refuses a file that launchd would refuse. launchd gives root a specific code, but
// others only EIO, as for everything (alienator88/Pearcleaner/issues/550).
func (m *Manager) checkFile(id platform.ID, file string) error {
	info, err := m.sys.Stat(file)
	if err != nil {
		return fmt.Errorf("property list: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o022 != 0 {
		return badFile(fmt.Errorf("mode %v", mode), file)
	}
	uid, known := owner(info)
	if known && uid != 0 && (id.Scope == platform.ScopeSystem || uid != m.o.UID) {
		return badFile(fmt.Errorf("owner %d", uid), file)
	}
	return nil
}
