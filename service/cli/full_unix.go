//go:build linux || darwin || freebsd

package cli

import "github.com/holdfast-dev/holdfast/platform/files"

// full reports whether dir has no free block or no free inode to write a file.
func full(dir string) bool {
	s, err := files.SpaceOf(dir)
	return err == nil && s.Size > 0 && (s.Free == 0 || s.Inodes > 0 && s.FreeInodes == 0)
}
