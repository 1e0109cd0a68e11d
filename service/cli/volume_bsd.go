//go:build darwin || freebsd

package cli

import "golang.org/x/sys/unix"

// mountOf is where the file system is mounted on which path lies; empty if that cannot be
// found out.
func mountOf(path string) string {
	var at unix.Statfs_t
	if unix.Statfs(path, &at) != nil {
		return ""
	}
	return unix.ByteSliceToString(at.Mntonname[:])
}
