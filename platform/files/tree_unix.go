//go:build unix

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// So many links may be followed on the way to a directory, as the kernel has it.
const maxLinks = 40

func removeTree(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	parent, err := reach(filepath.Dir(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission) && !errors.Is(err, ErrUntrusted) && os.Geteuid() != 0:
		// A directory that we may pass and not list, as /home is on some systems. What we
		// remove nobody else gives us the right to.
		return os.RemoveAll(path)
	case err != nil:
		return fmt.Errorf("remove %s: %w", path, err)
	}
	defer func() { _ = parent.Close() }()
	return parent.RemoveAll(filepath.Base(path))
}

// reach opens the directory at path name by name, each in the one before: nobody
// can put a link there behind our back.
func reach(path string) (*os.Root, error) {
	dir, err := os.OpenRoot("/")
	if err != nil {
		return nil, err
	}
	at, rest, links := "/", names(path), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		next, target, err := step(dir, at, name)
		if err == nil && target != "" {
			if links++; links > maxLinks {
				err = fmt.Errorf("%s: too many links", filepath.Join(at, name))
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(at, target) // at has no link in it
			}
			rest, at = append(names(target), rest...), "/"
			if err == nil {
				next, err = os.OpenRoot("/")
			}
		} else {
			at = filepath.Join(at, name)
		}
		_ = dir.Close()
		if err != nil {
			return nil, err
		}
		dir = next
	}
	return dir, nil
}

func names(path string) []string {
	return strings.FieldsFunc(filepath.Clean(path), func(r rune) bool { return r == '/' })
}

// step opens the directory name in dir, whose path is at, or says where it leads
// if it is a link.
func step(dir *os.Root, at, name string) (next *os.Root, target string, err error) {
	path := filepath.Join(at, name)
	info, err := dir.Lstat(name)
	if err != nil {
		return nil, "", err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		place, err := dir.Stat(".")
		if err != nil {
			return nil, "", err
		}
		if !oursOrRoots(info) || !oursOrRoots(place) || place.Mode().Perm()&0o022 != 0 && place.Mode()&fs.ModeSticky == 0 {
			return nil, "", fmt.Errorf("%s is a symbolic link that another user could have put there: %w: remove it", path, ErrUntrusted)
		}
		target, err = dir.Readlink(name)
		return nil, target, err
	}
	if !info.IsDir() { // to open a FIFO would be to wait
		return nil, "", &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	next, err = dir.OpenRoot(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return nil, "", fmt.Errorf("%s was replaced while it was being opened: %w: %w", path, ErrUntrusted, err)
	}
	if err != nil {
		return nil, "", err
	}
	opened, err := next.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = fmt.Errorf("%s was replaced while it was being opened: %w", path, ErrUntrusted)
	}
	if err != nil {
		_ = next.Close()
		return nil, "", err
	}
	return next, "", nil
}

func oursOrRoots(info fs.FileInfo) bool {
	owner, err := ownerOf(nil, info)
	return err == nil && (owner == "0" || owner == strconv.Itoa(os.Geteuid()))
}
