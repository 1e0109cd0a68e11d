package native

import (
	"io/fs"
	"strings"
)

// Running detects the manager on a machine that has only these files and directories. inittab
// is the content of /etc/inittab, and fallback the manager that a Fallback may have for it.
func Running(goos, process string, files map[string]fs.FileMode, inittab string) (name, fallback string, err error) {
	p := probe{os: goos, process: process, is: func(path string, kind fs.FileMode) bool {
		mode, ok := files[path]
		return ok && mode == kind
	}, says: func(path, word string) bool {
		return path == "/etc/inittab" && strings.Contains(inittab, word)
	}}
	_, other := p.manager()
	name, err = p.running()
	return name, other.fallback, err
}

// Host's variables.
var (
	TakeStarter = takeStarter
	TakeEnded   = takeEnded
)

// OnSystem reports whether a manager belongs to an operating system.
var OnSystem = onSystem
