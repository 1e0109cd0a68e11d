//go:build unix

package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks limits the links on the way to a directory, as in the kernel.
const maxLinks = 40

func removeTree(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if path == "/" {
		return &fs.PathError{Op: "remove", Path: path, Err: unix.EINVAL}
	}
	parent, err := reach(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	defer func() { _ = unix.Close(parent) }()
	return removeAt(parent, filepath.Base(path), path)
}

// openDir opens the directory name in dir, and nothing but a directory. It neither follows a
// link nor blocks on a FIFO. how is passing, or O_RDONLY to list the directory.
func openDir(dir int, name string, how int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, how|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// reach opens the directory at path element by element, each relative to the one before. So
// nobody can slip in a link.
func reach(path string) (int, error) {
	dir, err := openDir(unix.AT_FDCWD, "/", passing)
	if err != nil {
		return -1, err
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
				next, err = openDir(unix.AT_FDCWD, "/", passing)
			}
		} else {
			at = filepath.Join(at, name)
		}
		_ = unix.Close(dir)
		if err != nil {
			return -1, err
		}
		dir = next
	}
	return dir, nil
}

func names(path string) []string {
	return strings.FieldsFunc(filepath.Clean(path), func(r rune) bool { return r == '/' })
}

// step opens the directory name in dir, whose path is at. If it is a link, step returns its
// target.
func step(dir int, at, name string) (next int, target string, err error) {
	path := filepath.Join(at, name)
	next, err = openDir(dir, name, passing)
	if err == nil {
		return next, "", nil
	}
	opening := &fs.PathError{Op: "open", Path: path, Err: err}
	// Systems report these errors for a link that must not be followed.
	if !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP) && !errors.Is(err, unix.EMLINK) {
		return -1, "", opening
	}
	var link, place unix.Stat_t
	if err := errors.Join(unix.Fstatat(dir, name, &link, unix.AT_SYMLINK_NOFOLLOW), unix.Fstat(dir, &place)); err != nil {
		return -1, "", fmt.Errorf("%s: %w", path, err)
	}
	switch link.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
	case unix.S_IFDIR:
		return -1, "", fmt.Errorf("%s was replaced while it was being opened: %w", path, ErrUntrusted)
	default:
		return -1, "", opening
	}
	if !oursOrRoots(link) || !oursOrRoots(place) || place.Mode&0o022 != 0 && place.Mode&unix.S_ISVTX == 0 {
		return -1, "", fmt.Errorf("%s is a symbolic link that another user could have put there: %w: remove it", path, ErrUntrusted)
	}
	b := make([]byte, unix.PathMax)
	n, err := readlinkat(dir, name, b)
	if err != nil {
		return -1, "", &fs.PathError{Op: "readlink", Path: path, Err: err}
	}
	return -1, string(b[:n]), nil
}

func sameDevice(a, b int) bool {
	var one, other unix.Stat_t
	return unix.Fstat(a, &one) == nil && unix.Fstat(b, &other) == nil && one.Dev == other.Dev
}

func oursOrRoots(st unix.Stat_t) bool { return rootOrUs(strconv.Itoa(int(st.Uid))) }

// maxRounds limits the attempts to empty a directory that somebody else keeps filling.
const maxRounds = 100

// removeAt removes name in dir, with its contents if it is a directory. It succeeds if name
// does not exist. path is for error messages.
func removeAt(dir int, name, path string) error {
	err := unlink(dir, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	failed := &fs.PathError{Op: "unlinkat", Path: path, Err: err}
	fd, err := openDir(dir, name, unix.O_RDONLY)
	switch {
	case err == nil:
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EACCES) && unlink(dir, name, unix.AT_REMOVEDIR) == nil:
		return nil // we may not read it, but it was empty
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK):
		return failed
	default:
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	_ = unix.SetNonblock(fd, false) // it is a directory: os must not poll it
	f := os.NewFile(uintptr(fd), path)
	defer func() { _ = f.Close() }()
	if !sameMount(dir, fd) {
		return fmt.Errorf("remove %s: a file system is mounted there, which may hold other data: %w: unmount it first", path, ErrUntrusted)
	}
	for range maxRounds {
		if err = empty(f); err != nil {
			return err
		}
		err = unlink(dir, name, unix.AT_REMOVEDIR)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
			break
		}
	}
	return &fs.PathError{Op: "unlinkat", Path: path, Err: err}
}

// empty removes as much as it can of what is in the directory f.
func empty(f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var failed error
	for {
		names, err := f.Readdirnames(1000)
		for _, name := range names {
			if err := removeAt(int(f.Fd()), name, filepath.Join(f.Name(), name)); err != nil && failed == nil {
				failed = err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return failed
		case err != nil:
			return errors.Join(failed, err)
		}
	}
}

func unlink(dir int, name string, flags int) error {
	for {
		if err := unix.Unlinkat(dir, name, flags); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
