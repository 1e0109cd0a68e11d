package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// allowWritable names the risk that it takes.
const allowWritable = "allow-writable-program"

// alterable says which ordinary users could change the program at path, or put another
// in its place, in any of the directories and by any of the links that lead to it;
// nothing if only root and we could. What is not there yet nobody changes.
func alterable(path string) string {
	reason := ""
	if !walk(path, func(dir, name string) bool {
		if _, err := os.Lstat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			reason = plantable(dir) // who makes it there
			if _, err := os.Stat(dir); err != nil {
				reason = ""
			}
			return false
		}
		reason = writableByOthers(dir, name)
		return reason == ""
	}) {
		return "its links lead nowhere"
	}
	if reason == "" {
		reason = besides(filepath.Dir(path))
	}
	if reason == "" {
		reason = files.Writers(path, false)
	}
	return reason
}

// refuseWritable refuses to have a manager start, as the service's user or as root, what
// ordinary users could put there.
func (a *app) refuseWritable(program string, f installFlags) error {
	if f.allowWritable || f.copyTo != "" || a.elsewhere() { // of a copy, who makes it sees to that
		return nil
	}
	reason := alterable(program)
	if reason == "" {
		return nil
	}
	return fmt.Errorf("the program %s: %w: %s: take that right away, install a copy (--copy-to DIR), or take the risk (--%s)",
		program, files.ErrUntrusted, reason, allowWritable)
}
