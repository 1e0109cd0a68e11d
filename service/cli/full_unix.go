//go:build linux || darwin || freebsd

package cli

import "golang.org/x/sys/unix"

// full reports whether no block or no inode is left to write a file in dir.
func full(dir string) bool {
	var at unix.Statfs_t
	if err := unix.Statfs(dir, &at); err != nil || at.Blocks == 0 {
		return false
	}
	return int64(at.Bavail) <= 0 || at.Files > 0 && int64(at.Ffree) <= 0 //nolint:unconvert // their types differ by system
}
