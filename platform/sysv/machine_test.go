package sysv_test

import (
	"context"
	"io/fs"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// machine is a platform.System with some files that answers from a script.
type machine struct {
	files   map[string]string
	answers map[string]answer // by the command line
}

type answer struct {
	out  string
	code int
}

func (m machine) ReadFile(path string) ([]byte, error) {
	content, ok := m.files[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(content), nil
}

func (m machine) WriteFile(string, []byte, fs.FileMode) error { panic("a manager writes nothing") }
func (m machine) Remove(string) error                         { panic("a manager removes nothing") }
func (m machine) RemoveAll(string) error                      { panic("a manager removes nothing") }

func (m machine) Stat(path string) (fs.FileInfo, error) {
	if _, ok := m.files[path]; !ok {
		return nil, fs.ErrNotExist
	}
	return nil, nil //nolint:nilnil // nobody looks at it
}

func (m machine) Run(ctx context.Context, argv ...string) (string, error) {
	a, ok := m.answers[strings.Join(argv, " ")]
	switch {
	case ctx.Err() != nil:
		return "", &platform.CommandError{Argv: argv, Code: -1, Err: ctx.Err()}
	case !ok:
		return "", &platform.CommandError{Argv: argv, Code: 127, Stderr: "no such answer"}
	case a.code != 0:
		return a.out, &platform.CommandError{Argv: argv, Code: a.code, Stderr: "it failed"}
	}
	return a.out, nil
}
