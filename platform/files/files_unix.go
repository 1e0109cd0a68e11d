//go:build unix

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// O_NONBLOCK keeps open from waiting for the peer of a FIFO or for the end of a lease.
// O_NOCTTY keeps a terminal from becoming ours. os.OpenFile adds O_CLOEXEC.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_NOCTTY

func create(path string, mode fs.FileMode) (*os.File, error) {
	return open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

func open(path string, flag int, mode fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag|openFlags, mode)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: another process has a lease on it: %w: remove it", err, ErrUntrusted)
	}
	return f, err
}

func openToRead(path string) (*os.File, error) { return open(path, os.O_RDONLY, 0) }

// openThrough is openToRead, but follows a link.
func openThrough(path string) (*os.File, error) {
	return os.OpenFile(path, openFlags&^syscall.O_NOFOLLOW, 0)
}

// oursAlone reports whether a directory belongs to root or to this process's user.
func oursAlone(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	owner, err := ownerOf(nil, info)
	return err == nil && rootOrUs(owner)
}

func rootOrUs(owner string) bool { return owner == "0" || owner == strconv.Itoa(os.Geteuid()) }

// namedByUs reports whether only root and this process's user can have made the name path.
func namedByUs(path string) bool {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	return err == nil && info.Mode().Perm()&0o022 == 0 && oursAlone(dir)
}

// settle sets the mode of a file, regardless of the umask.
func settle(f *os.File, mode fs.FileMode) error { return f.Chmod(mode) }

// rename is os.Rename, which first looks whether a directory is at to. The kernel does that.
func rename(from, to string) error {
	err := syscall.Rename(from, to)
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Rename(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func remove(path string) error { return os.Remove(path) }

func makeDirs(path string, mode fs.FileMode) error { return os.MkdirAll(path, mode) }

// makeDirsAs sets the mode of each new directory through its descriptor, so nobody can put a
// link in its place.
func makeDirsAs(path string, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := makeDirsAs(parent, mode); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, mode); err != nil {
		if info, e := os.Stat(path); errors.Is(err, fs.ErrExist) && e == nil && info.IsDir() {
			return nil // another process was faster
		}
		return err
	}
	d, err := os.OpenFile(path, openFlags|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	return errors.Join(d.Chmod(mode), d.Close(), syncDir(filepath.Dir(path)))
}

func inode(info fs.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d:%d", uint64(st.Dev), uint64(st.Ino)) //nolint:unconvert // their types differ by system
	}
	return ""
}

func links(_ *os.File, info fs.FileInfo) (uint64, error) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink), nil //nolint:unconvert // its width differs by system
	}
	return 1, nil
}

func ownerOf(_ *os.File, info fs.FileInfo) (string, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return strconv.Itoa(int(st.Uid)), nil
}

func trustOwner(owner string, info fs.FileInfo, path string) error {
	ours := rootOrUs(owner)
	public := info.Mode()&0o004 != 0
	if public && ours {
		return nil
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	place, err := ownerOf(nil, dir)
	switch {
	case err != nil:
		return err
	case owner == place, public && dir.Mode()&0o020 != 0:
		return nil
	case !ours:
		return fmt.Errorf("%s belongs to user %s, and its directory to user %s: %w: remove it", path, owner, place, ErrUntrusted)
	case rootOrUs(place):
		return nil
	}
	return fmt.Errorf("%s belongs to user %s and is not readable by everybody, and its directory belongs to user %s: %w: remove it", path, owner, place, ErrUntrusted)
}

func trust(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o002 == 0 {
		return nil
	}
	return fmt.Errorf("directory %s is writable by everybody (mode %04o): %w: chmod o-w it, or choose another",
		path, info.Mode().Perm(), ErrUntrusted)
}

// trustDirAlone refuses a directory that others than root and this process's user could have
// added files to.
func trustDirAlone(dir string) error {
	info, err := os.Stat(dir) // a link is followed
	if err != nil {
		return err
	}
	return owned(dir, info, true)
}

// trustFileAlone refuses a file, described by info, that others than root and this process's
// user could have written.
func trustFileAlone(path string, info fs.FileInfo) error { return owned(path, info, true) }

func owned(path string, info fs.FileInfo, own bool) error {
	owner, err := ownerOf(nil, info)
	if err != nil {
		return err
	}
	if owner != "0" && !(own && rootOrUs(owner)) {
		return fmt.Errorf("%s belongs to user %s, who could misuse it: %w: remove it, or give it to its administrator (chown)", path, owner, ErrUntrusted)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s is writable by users other than its owner (mode %04o), who could misuse it: %w: chmod go-w it", path, mode, ErrUntrusted)
	}
	return nil
}

func writers(path string, _ bool) string {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	if owner, err := ownerOf(nil, info); err != nil || !rootOrUs(owner) {
		return fmt.Sprintf("%s belongs to another user (%s)", path, owner)
	}
	mode := info.Mode().Perm()
	if mode&0o002 != 0 || mode&0o020 != 0 && !ourGroup(info) {
		return fmt.Sprintf("others can write to %s (mode %04o)", path, mode)
	}
	return ""
}

// ourGroup reports whether the group of a file is the private group of this process's user.
// Many systems give each user a group with the user's name.
func ourGroup(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Gid) != os.Getegid() {
		return false
	}
	us, err := user.Current()
	if err != nil || us.Gid != strconv.Itoa(int(st.Gid)) {
		return false
	}
	group, err := user.LookupGroupId(us.Gid)
	return err == nil && group.Name == us.Username
}

func syncDir(dir string) error {
	// Links are followed, because /etc/init.d is one on some systems. That is safe: only a
	// directory is opened, and nothing is written.
	d, err := os.OpenFile(dir, openFlags&^syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}

func move(from, to string) error { return os.Rename(from, to) }

func seal(string) error { return nil }
