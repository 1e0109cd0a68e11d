package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// allowWritable is the flag that accepts the risk in its name.
const allowWritable = "allow-writable-program"

// alterable says which ordinary users could change the program at path. They could do so by
// replacing the file, a directory, or a link that leads to it. It is empty if only root and
// the caller could. For a missing file it says who could create it. A missing directory is no
// risk.
func alterable(path string) string {
	reason := ""
	if !walk(path, func(dir, name string) bool {
		if _, err := os.Lstat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			reason = plantable(dir) // says who could create it there
			if _, err := os.Stat(dir); err != nil {
				reason = ""
			}
			return false
		}
		reason = writableByOthers(dir, name)
		return reason == ""
	}) {
		return "its links lead to no file"
	}
	if reason == "" {
		reason = besides(filepath.Dir(path))
	}
	if reason == "" {
		reason = files.Writers(path, false)
	}
	return reason
}

// refuseWritable refuses to let a manager start, as the service's user or as root, a program
// that ordinary users could replace.
func (a *app) refuseWritable(program string, f installFlags) error {
	if f.allowWritable || f.copyTo != "" || a.elsewhere() { // for a copy, the copy step checks this
		return nil
	}
	reason := alterable(program)
	if reason == "" {
		return nil
	}
	return fmt.Errorf("the program %s: %w: %s: remove that right, install a copy (--copy-to DIR), or accept the risk (--%s)",
		program, files.ErrUntrusted, reason, allowWritable)
}
