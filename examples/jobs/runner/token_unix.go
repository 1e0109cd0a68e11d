//go:build unix

package runner

import "io/fs"

// forOthers reports whether the mode allows anybody but the owner to access the file.
func forOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
