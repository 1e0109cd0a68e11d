// Package files protects a service's own files from being lost or abused. It replaces files
// atomically, and refuses directories and files that somebody else could have prepared as a
// trap.
//
// A service often runs as a user of its own, who owns its directories, and root reads and
// writes there, too. So functions of this package do not follow links in such a directory, do
// not block on what they find there, and limit what they read.
//
// # Windows notes
//
// File modes are translated. New files belong to the user who makes them. SYSTEM,
// Administrators and that user have full access, and the group Users has read access if the
// last digit of the mode has the read bit. A new directory passes this on to its contents, and
// inherits nothing from its parent: in ProgramData, everybody may create files in a directory
// that does inherit.
//
// A file cannot be replaced or removed while another process has it open without sharing it
// for deletion, as most programs do. Both operations retry for a second, and then fail with
// [ErrInUse]. [OpenToRead] and [Read] do share the file.
//
// Everybody who may read a file can have an opportunistic lock on it (FSCTL_REQUEST_OPLOCK).
// Whoever opens the file then waits until the lock is released, possibly for ever. The
// functions of this package do not wait, and fail with [ErrInUse].
package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrUntrusted means that somebody else could have written, or could still change, what is at
// a path. The text says what to do about it.
var ErrUntrusted = errors.New("not safe to use")

// ErrInUse means that another process has opened a file without sharing it, or has an
// opportunistic lock on it, and has not released it within the time that harmless programs
// need. Only Windows has such errors.
var ErrInUse = errors.New("another process has it open and does not share it")

// ReplaceJSON calls [Replace] with v as one line of JSON.
func ReplaceJSON(path string, v any, mode fs.FileMode, durable bool) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return Replace(path, append(content, '\n'), mode, durable)
}

// Replace atomically replaces the content of path: readers see either the old file or the
// complete new one, and so does everybody after a crash. The file gets exactly the given mode.
//
// Replace first writes ".NAME.new" beside path, so only one writer at a time may use it for a
// path. If durable is set, the content is on disk when Replace returns. Otherwise the system
// writes it later. After an error the old file is unchanged. A link or a FIFO at either path
// is replaced and never written to; a directory is refused with ErrUntrusted.
func Replace(path string, content []byte, mode fs.FileMode, durable bool) (err error) {
	dir, temporary := filepath.Dir(path), Temporary(path)
	// create never opens an existing file. What a crash has left, or a link that somebody has
	// planted, is removed.
	f, err := create(temporary, mode)
	if errors.Is(err, fs.ErrExist) {
		if err := Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return inTheWay(temporary, err)
		}
		f, err = create(temporary, mode)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary)
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = settle(f, mode)
	}
	if err == nil && durable {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = inTheWay(path, rename(temporary, path))
	}
	if err == nil && durable {
		err = SyncDir(dir)
	}
	return err
}

// inTheWay returns err, or a clearer error if a directory is at path.
func inTheWay(path string, err error) error {
	if err == nil {
		return nil
	}
	if info, e := os.Lstat(path); e == nil && info.IsDir() {
		return notRegular(path, info)
	}
	return err
}

// Temporary returns the path of the file that [Replace] writes first. If that file exists, a
// [Replace] was killed.
func Temporary(path string) string {
	dir, name := filepath.Split(path)
	return filepath.Join(dir, "."+name+".new")
}

// Rename renames a file or directory like os.Rename. On Windows it retries for a second while
// another process has it open.
func Rename(from, to string) error { return move(from, to) }

// Seal changes a file or directory that this process has made so that [Owned] accepts it,
// whichever administrator this process runs as. On Windows it gives the file to
// Administrators: only they and SYSTEM can change it, and Users can read and execute it. On
// other systems it does nothing, because owner and mode are right from the beginning.
func Seal(path string) error { return seal(path) }

// Remove removes the file or empty directory at path like os.Remove. On Windows it retries for
// a second while another process has it open.
func Remove(path string) error { return remove(path) }

// RemoveTree removes a file, or a directory with its contents, like os.RemoveAll. It succeeds
// if path does not exist. It removes a link at path, and does not follow it. On the way to
// path it follows only links that nobody but root and this process's user could have made. It
// refuses other users' links with ErrUntrusted, even if they are made while it runs. It does
// not empty file systems that are mounted at path or below, but refuses them with
// ErrUntrusted, too.
func RemoveTree(path string) error { return removeTree(path) }

// Mounted returns a mount point at dir or below it, at which [RemoveTree] would fail. It
// returns "" if there is none, and on all systems but Linux.
func Mounted(dir string) string { return mounted(dir) }

// Writers describes which ordinary users could change the file or directory at path, and why.
// It follows links. It returns "" if only administrators and this process's user could, or if
// path does not exist.
//
// With leads set, path is a directory on the way to the file that matters. Then only the right
// to replace its entries counts, and not the right to add entries; Unix does not distinguish
// these. On Unix, owner and mode decide. A group that has only this user does not count, and
// access lists are not read. On Windows, owner and access list decide.
func Writers(path string, leads bool) string { return writers(path, leads) }

// SyncDir makes the names in a directory durable. Without it, only the content of a created or
// renamed file is durable, after its own Sync. On Windows it does nothing, because NTFS
// journals such changes.
func SyncDir(dir string) error { return syncDir(dir) }

// Inode returns DEVICE:INODE, in decimal, which distinguishes the file that info describes
// from all other existing files. It returns "" if the system's FileInfo does not have these
// numbers, as on Windows.
func Inode(info fs.FileInfo) string { return inode(info) }

// Open opens the regular file at path like os.OpenFile. It creates the file with mode if flag
// has os.O_CREATE. It refuses, with ErrUntrusted, a symbolic link, a directory, a FIFO or a
// device, without blocking, and a file with several hard links, because a write could hit
// another file. Hard links are allowed if only administrators and this process's user could
// have made the name path: on many systems any user may make a link elsewhere (link(2)).
func Open(path string, flag int, mode fs.FileMode) (*os.File, error) {
	f, _, err := OpenInfo(path, flag, mode)
	return f, err
}

// OpenInfo is [Open], and also returns what the file was like when it was opened.
func OpenInfo(path string, flag int, mode fs.FileMode) (*os.File, fs.FileInfo, error) {
	return openOneName(path, func() (*os.File, error) { return open(path, flag, mode) })
}

func openOneName(path string, do func() (*os.File, error)) (*os.File, fs.FileInfo, error) {
	f, info, err := openRegular(path, do)
	if err != nil {
		return nil, nil, err
	}
	if err := oneName(f, info, path); err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// openRegular opens path by do, which must neither follow a link nor block. It refuses
// anything but a regular file.
func openRegular(path string, do func() (*os.File, error)) (*os.File, fs.FileInfo, error) {
	f, err := do()
	if err != nil {
		if info, e := os.Lstat(path); e == nil && !info.Mode().IsRegular() {
			return nil, nil, notRegular(path, info)
		}
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(path, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func oneName(f *os.File, info fs.FileInfo, path string) error {
	n, err := links(f, info)
	if err == nil && n > 1 && !namedByUs(path) {
		err = fmt.Errorf("%s has %d hard links: %w: replace it by a copy, or remove it", f.Name(), n, ErrUntrusted)
	}
	return err
}

func notRegular(path string, info fs.FileInfo) error {
	what := "a special file"
	switch m := info.Mode(); {
	case m&fs.ModeSymlink != 0:
		what = "a symbolic link"
	case m&fs.ModeIrregular != 0:
		what = "a reparse point"
	case m.IsDir():
		what = "a directory"
	case m&fs.ModeNamedPipe != 0:
		what = "a FIFO"
	}
	return fmt.Errorf("%s is %s, not a regular file: %w: remove it", path, what, ErrUntrusted)
}

// MakeDir creates the directory path and its parents with mode, unless they exist. The
// directory must then pass CheckDir.
func MakeDir(path string, mode fs.FileMode) error {
	if CheckDir(path) == nil {
		return nil
	}
	if err := makeDirs(path, mode); err != nil {
		if e := CheckDir(path); errors.Is(e, ErrUntrusted) {
			err = fmt.Errorf("%w: %w", err, e) // path is not a directory
		}
		return fmt.Errorf("directory for the service's files: %w", err)
	}
	return CheckDir(path)
}

// MakeDirAs is like MakeDir, but gives new directories exactly mode, regardless of the umask.
// Use it for directories that must not depend on who makes them.
func MakeDirAs(path string, mode fs.FileMode) error {
	if err := makeDirsAs(filepath.Clean(path), mode); err != nil {
		return fmt.Errorf("directory %s: %w", path, err)
	}
	return CheckDir(path)
}

// CheckDir refuses, with ErrUntrusted, anything but a directory, and a directory that
// everybody can write to, because anybody could replace the service's files there. A sticky
// bit does not help, since a file can be planted in advance. On Windows it also refuses a
// directory that belongs to another ordinary user, who could change its ACL at any time, and
// one that is reached through a link of such a user.
func CheckDir(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("directory for the service's files: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: %w: remove it, or choose another", path, ErrUntrusted)
	}
	return trust(path, info)
}
