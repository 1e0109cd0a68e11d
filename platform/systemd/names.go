package systemd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// checkName refuses an id that cannot be a unit, or whose directories belong to somebody else.
func checkName(id platform.ID) error {
	errs := []error{platform.CheckName(id.Name)}
	if id.Instance != "" {
		errs = append(errs, platform.CheckName(id.Instance))
	}
	if id.Scope != platform.ScopeSystem && id.Scope != platform.ScopeUser {
		errs = append(errs, fmt.Errorf("scope %q: is none of system, user: %w", id.Scope, platform.ErrBadUnit))
	}
	if slices.Contains(takenNames, id.String()) {
		errs = append(errs, fmt.Errorf("name %q: is a directory of the system in /run: %w", id, platform.ErrBadUnit))
	}
	return errors.Join(errs...)
}

// takenNames are directories of /run, /var/lib or /var/log that the service would
// otherwise get as its own, and that Removal would delete.
var takenNames = []string{
	"credentials", "dbus", "host", "initctl", "journal", "lock", "log", "mount", "private", "shm",
	"sudo", "systemd", "tmpfiles.d", "udev", "user", "utmp",
}
