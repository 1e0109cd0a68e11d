package upgrade

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// likeStable gives a program the file capabilities of the confirmed version, and its
// SELinux label, where that can be said.
func likeStable(stable, path string) error {
	value := make([]byte, 1024)
	n, err := unix.Getxattr(stable, "security.capability", value)
	switch {
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOENT):
	case err != nil:
		return fmt.Errorf("file capabilities of %s: %w", stable, err)
	default:
		if err := unix.Setxattr(path, "security.capability", value[:n], 0); err != nil {
			return fmt.Errorf("file capabilities of %s: %w", path, err)
		}
	}
	if n, err := unix.Getxattr(stable, "security.selinux", value); err == nil {
		_ = unix.Setxattr(path, "security.selinux", value[:n], 0) // the policy may know better
	}
	return nil
}
