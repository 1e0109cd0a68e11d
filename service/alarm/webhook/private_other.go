//go:build !unix

package webhook

import (
	"fmt"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// private refuses a file that ordinary users could have written. Who may read it only
// its access list says: that is for whoever makes it.
func private(path string, _ fs.FileInfo) error {
	if who := files.Writers(path, false); who != "" {
		return fmt.Errorf("%s: %w: %s", path, files.ErrUntrusted, who)
	}
	return nil
}
