//go:build !unix

package logsink

import (
	"io/fs"
	"os"
)

// inherit does nothing: a new file has the permissions that package files gives it.
func inherit(*os.File, fs.FileInfo) {}
