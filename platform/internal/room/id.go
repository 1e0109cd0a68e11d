package room

import (
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// CheckNames refuses an id that no manager accepts.
func CheckNames(id platform.ID) error {
	errs := []error{platform.CheckName(id.Name)}
	if id.Instance != "" {
		errs = append(errs, platform.CheckName(id.Instance))
	}
	if id.Scope != platform.ScopeSystem && id.Scope != platform.ScopeUser {
		errs = append(errs, fmt.Errorf("scope %q: is neither system nor user: %w", id.Scope, platform.ErrBadUnit))
	}
	return errors.Join(errs...)
}

// CheckID also refuses an id that cannot name directories in /run, /var/lib and /var/log.
func CheckID(id platform.ID) error {
	err := CheckNames(id)
	if slices.Contains(takenNames, id.String()) {
		err = errors.Join(err, fmt.Errorf("name %q: is a directory of the system in /run: %w", id, platform.ErrBadUnit))
	}
	return err
}

// takenNames lists existing directories of /run, /var/lib or /var/log. A service with such a
// name would get them as its own, and its uninstall would delete them.
var takenNames = []string{
	"credentials", "dbus", "host", "initctl", "journal", "lock", "log", "mount", "openrc", "private", "shm",
	"sudo", "systemd", "tmpfiles.d", "udev", "user", "utmp",
}
