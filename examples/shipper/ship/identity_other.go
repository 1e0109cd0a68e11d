//go:build !unix

package ship

import "io/fs"

func identity(path string, _ fs.FileInfo) string { return path }

// A file that we have open cannot be removed on Windows: golang.org/issue/32088.
func removed(fs.FileInfo) bool { return false }
