//go:build linux || darwin || freebsd

package cli

import "github.com/holdfast-dev/holdfast/platform/files"

// full reports whether no block or no inode is left to write a file in dir.
func full(dir string) bool {
	s, err := files.SpaceOf(dir)
	return err == nil && s.Size > 0 && (s.Free == 0 || s.Inodes > 0 && s.FreeInodes == 0)
}
