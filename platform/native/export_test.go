package native

import "io/fs"

// Running is detection on a machine that has only these files and directories.
func Running(goos, process string, files map[string]fs.FileMode) (string, error) {
	p := probe{os: goos, process: process, is: func(path string, kind fs.FileMode) bool {
		mode, ok := files[path]
		return ok && mode == kind
	}}
	return p.running()
}

// Host's variables.
var (
	TakeStarter = takeStarter
	TakeEnded   = takeEnded
)

// OnSystem reports whether a manager is one of an operating system's.
var OnSystem = onSystem
