package ship

import "io/fs"

// These functions differ by operating system.
//
// identity returns what identifies a file: device and inode on Unix, which survive
// a rename; the path elsewhere.
//
// removed reports whether an open file no longer has a name. It is false
// where that cannot be determined.
var (
	_ func(path string, info fs.FileInfo) string = identity
	_ func(info fs.FileInfo) bool                = removed
)
