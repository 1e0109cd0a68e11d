//go:build unix

package main

import "io/fs"

// forOthers reports whether the mode lets others than the owner at a file.
func forOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
