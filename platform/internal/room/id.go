package room

import (
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// CheckNames refuses an id that no manager could have.
func CheckNames(id platform.ID) error {
	errs := []error{platform.CheckName(id.Name)}
	if id.Instance != "" {
		errs = append(errs, platform.CheckName(id.Instance))
	}
	if id.Scope != platform.ScopeSystem && id.Scope != platform.ScopeUser {
		errs = append(errs, fmt.Errorf("scope %q: is none of system, user: %w", id.Scope, platform.ErrBadUnit))
	}
	return errors.Join(errs...)
}

// CheckID refuses, besides, one that cannot be a service where directories are
// named after it in /run, /var/lib and /var/log.
func CheckID(id platform.ID) error {
	err := CheckNames(id)
	if slices.Contains(takenNames, id.String()) {
		err = errors.Join(err, fmt.Errorf("name %q: is a directory of the system in /run: %w", id, platform.ErrBadUnit))
	}
	return err
}

// takenNames are directories of /run, /var/lib or /var/log that the service would
// otherwise get as its own, and that an uninstall would delete.
var takenNames = []string{
	"credentials", "dbus", "host", "initctl", "journal", "lock", "log", "mount", "openrc", "private", "shm",
	"sudo", "systemd", "tmpfiles.d", "udev", "user", "utmp",
}
