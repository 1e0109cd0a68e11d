package initdtest

import (
	"context"
	"io/fs"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// A Machine is a platform.System with some files and a list of answers. It cannot be changed,
// because managers only plan.
type Machine struct {
	Files   map[string]string
	Answers map[string]Answer // by command line
}

// An Answer is the output of a command and its exit code.
type Answer struct {
	Out  string
	Code int
}

var _ platform.System = Machine{}

// ReadFile returns the content of a file in the list.
func (m Machine) ReadFile(path string) ([]byte, error) {
	content, ok := m.Files[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(content), nil
}

// WriteFile must not be called by managers.
func (m Machine) WriteFile(string, []byte, fs.FileMode) error { panic("a manager writes nothing") }

// Remove must not be called by managers.
func (m Machine) Remove(string) error { panic("a manager removes nothing") }

// RemoveAll must not be called by managers.
func (m Machine) RemoveAll(string) error { panic("a manager removes nothing") }

// Stat succeeds for the files in the list.
func (m Machine) Stat(path string) (fs.FileInfo, error) {
	if _, ok := m.Files[path]; !ok {
		return nil, fs.ErrNotExist
	}
	return nil, nil //nolint:nilnil // nobody looks at it
}

// Run returns the answer in the list, or exit code 127 if there is none.
func (m Machine) Run(ctx context.Context, argv ...string) (string, error) {
	a, ok := m.Answers[strings.Join(argv, " ")]
	switch {
	case ctx.Err() != nil:
		return "", &platform.CommandError{Argv: argv, Code: -1, Err: ctx.Err()}
	case !ok:
		return "", &platform.CommandError{Argv: argv, Code: 127, Stderr: "no such answer"}
	case a.Code != 0:
		return a.Out, &platform.CommandError{Argv: argv, Code: a.Code, Stderr: "it failed"}
	}
	return a.Out, nil
}
