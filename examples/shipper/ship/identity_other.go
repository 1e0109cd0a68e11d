//go:build !unix

package ship

import "io/fs"

func identity(path string, _ fs.FileInfo) string { return path }

// removed is always false: on Windows an open file cannot be removed (golang.org/issue/32088).
func removed(fs.FileInfo) bool { return false }
