package upgrade

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// likeStable copies the file capabilities of the confirmed version to path, and its SELinux
// label if that is possible.
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
		_ = unix.Setxattr(path, "security.selinux", value[:n], 0) // the policy may forbid it
	}
	return nil
}
