//go:build darwin || freebsd

package cli

import "golang.org/x/sys/unix"

// mountOf returns the mount point of the file system of path. It is empty if it is not known.
func mountOf(path string) string {
	var at unix.Statfs_t
	if unix.Statfs(path, &at) != nil {
		return ""
	}
	return unix.ByteSliceToString(at.Mntonname[:])
}
