//go:build !unix

package secretfile

import (
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// private refuses a file that ordinary users could have written. It cannot check who may read
// the file, which only the access list says.
func private(path string, _ fs.FileInfo) error {
	if who := files.Writers(path, false); who != "" {
		return fmt.Errorf("%s: %w: %s", path, files.ErrUntrusted, who)
	}
	return nil
}
