//go:build !unix

package files

import "io/fs"

const openFlags = 0

func links(fs.FileInfo) uint64 { return 1 }

func owner(fs.FileInfo) (int, bool) { return 0, false }

func worldWritable(fs.FileInfo) bool { return false }

// Directories cannot be synced on Windows; NTFS journals their changes.
func syncDir(string) error { return nil }
