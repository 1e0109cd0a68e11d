package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// ownProgram returns the path by which the manager will start this program. It is the path by
// which the program was called, so that a link which an update switches keeps leading to the
// current program. If others could put another program there, it is the image. The note says
// which path was used if there is a difference. It may be empty.
func (m machine) ownProgram() (path, note string, err error) {
	image, err := m.image()
	if err != nil {
		return "", "", err
	}
	typed, ok := calledBy(m.Program, image)
	if !ok || typed == image {
		return image, "", nil
	}
	if reason := unsafePath(typed); reason != "" {
		return image, fmt.Sprintf("the program is %s, and not %s: %s", image, typed, reason), nil
	}
	return typed, fmt.Sprintf("the program is %s (now %s)", typed, image), nil
}

// image returns the file from which this program was executed.
func (m machine) image() (string, error) {
	image, err := m.Executable()
	if err == nil {
		image, err = filepath.EvalSymlinks(image)
	}
	if _, e := proc.Self(); err != nil && errors.Is(e, proc.ErrNoProc) {
		err = e
	}
	if err != nil {
		return "", fmt.Errorf("path of this program: %w: set it with --program", err)
	}
	return image, nil
}

// calledBy returns the absolute path by which a process with that image was called. It is
// false if that name leads somewhere else.
func calledBy(name, image string) (string, bool) {
	if !strings.ContainsRune(name, filepath.Separator) {
		found, err := exec.LookPath(name)
		if err != nil {
			return "", false
		}
		name = found
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", false
	}
	there, err := os.Stat(abs)
	if err != nil {
		return "", false
	}
	ours, err := os.Stat(image)
	return abs, err == nil && os.SameFile(there, ours)
}

// maxLinks limits a chain of links. A longer one is a circle.
const maxLinks = 40

// unsafePath says who could make path lead to another program. It is empty if only root and
// the caller could.
func unsafePath(path string) string {
	reason := ""
	if !walk(path, func(dir, name string) bool {
		reason = writableByOthers(dir, name)
		return reason == ""
	}) {
		reason = "its links lead to no file"
	}
	return reason
}

// walk visits each directory that leads to path, with the name that is looked up in it, link
// by link, until visit returns false. It reports false if the links have no end.
func walk(path string, visit func(dir, name string) bool) bool {
	rest, links := path, 0
	at := filepath.VolumeName(path) + string(filepath.Separator)
	rest = strings.TrimPrefix(rest, at)
	for rest != "" {
		first, after, _ := strings.Cut(rest, string(filepath.Separator))
		if !visit(at, first) {
			return true
		}
		next := filepath.Join(at, first)
		target, err := os.Readlink(next)
		if err != nil { // not a link
			at, rest = next, after
			continue
		}
		if links++; links > maxLinks {
			return false
		}
		rest = filepath.Join(target, after)
		if filepath.IsAbs(target) {
			at = filepath.VolumeName(target) + string(filepath.Separator)
			rest = strings.TrimPrefix(rest, at)
		}
	}
	return true
}
