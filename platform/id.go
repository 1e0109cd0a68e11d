package platform

import (
	"errors"
	"fmt"
	"slices"
)

// CheckID tells whether id can be a service where directories are named after it
// in /run, /var/lib and /var/log.
func CheckID(id ID) error {
	errs := []error{CheckName(id.Name)}
	if id.Instance != "" {
		errs = append(errs, CheckName(id.Instance))
	}
	if id.Scope != ScopeSystem && id.Scope != ScopeUser {
		errs = append(errs, fmt.Errorf("scope %q: is none of system, user: %w", id.Scope, ErrBadUnit))
	}
	if slices.Contains(takenNames, id.String()) {
		errs = append(errs, fmt.Errorf("name %q: is a directory of the system in /run: %w", id, ErrBadUnit))
	}
	return errors.Join(errs...)
}

// takenNames are directories of /run, /var/lib or /var/log that the service would
// otherwise get as its own, and that an uninstall would delete.
var takenNames = []string{
	"credentials", "dbus", "host", "initctl", "journal", "lock", "log", "mount", "openrc", "private", "shm",
	"sudo", "systemd", "tmpfiles.d", "udev", "user", "utmp",
}
