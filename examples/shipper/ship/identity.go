package ship

import "io/fs"

// What the operating systems see differently:
//
// identity is what a file is recognised by: device and inode on Unix, where
// they outlast a rename; the path elsewhere.
//
// removed reports whether an open file has no name any more. It is never so
// where that cannot be found out.
var (
	_ func(path string, info fs.FileInfo) string = identity
	_ func(info fs.FileInfo) bool                = removed
)
