// Package files keeps a service's own files from being lost halfway or turned
// against it: atomic replacement, and directories and files that nobody else
// could have prepared as a trap.
//
// A service often runs as a user of its own, to whom its directories belong, and
// root reads and writes there, too. So no name in such a directory is followed,
// nothing found there is waited for, and what is read is bounded.
//
// # Windows notes
//
// A mode is translated. What is made here belongs to its maker; SYSTEM,
// Administrators and the maker may do everything, and the group Users may read
// it if the mode's last digit has the read bit. A directory passes that on to
// what is made in it, and takes nothing from its parent; in ProgramData
// everybody may make files in whatever does not say otherwise.
//
// A file that somebody has open is in the way of its replacement and removal,
// where that somebody does not share it for deletion, as most programs do not:
// both are tried again for a second, and then fail with [ErrInUse]. [OpenToRead] and [Read] share it.
//
// Everybody who may read a file can have an opportunistic lock on it
// (FSCTL_REQUEST_OPLOCK), and who opens it waits until that one gives it up, without
// end if he does not. What is opened here does not wait: [ErrInUse].
package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrUntrusted means that somebody else could have put, or could still change,
// what is found at a path. The text says what to do about it.
var ErrUntrusted = errors.New("not safe to use")

// ErrInUse means that somebody else has a file open and keeps it from us: he shares
// it with nobody, or keeps who opens it waiting (an opportunistic lock), and has
// not let go of it in the time that programs take that mean no harm. Only Windows
// knows such.
var ErrInUse = errors.New("somebody else has it open and does not share it")

// ReplaceJSON is [Replace] with v as one line of JSON.
func ReplaceJSON(path string, v any, mode fs.FileMode, durable bool) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return Replace(path, append(content, '\n'), mode, durable)
}

// Replace writes content to path so that a reader, or a crash, sees the old
// file or the new one whole and never a mixture; the file gets exactly mode.
// It writes ".NAME.new" beside it first, so one writer at a time may use it for
// a path. If durable, the content is on the disk when it returns; otherwise the
// system writes it when it likes. On error the old file is untouched. What stands
// at either path, be it a link or a FIFO, is replaced and never written through;
// a directory is refused with ErrUntrusted.
func Replace(path string, content []byte, mode fs.FileMode, durable bool) (err error) {
	dir, temporary := filepath.Dir(path), Temporary(path)
	// create refuses to write through anything that is there. What a crash left,
	// or a link that somebody planted, goes.
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

// inTheWay is err, or what says more where a directory stands at path.
func inTheWay(path string, err error) error {
	if err == nil {
		return nil
	}
	if info, e := os.Lstat(path); e == nil && info.IsDir() {
		return notRegular(path, info)
	}
	return err
}

// Temporary is the file that [Replace] writes first. One that is left is of a
// [Replace] that was killed.
func Temporary(path string) string {
	dir, name := filepath.Split(path)
	return filepath.Join(dir, "."+name+".new")
}

// Rename gives a file or directory another name like os.Rename. On Windows it tries
// for a second while somebody else has it open.
func Rename(from, to string) error { return move(from, to) }

// Seal has a file or directory that we have made be one that [Owned] accepts, whoever of
// the administrators we are. On Windows it belongs to Administrators then, only they and
// SYSTEM can change it, and Users can read and execute it. Elsewhere owner and mode
// have said so from the beginning, and it does nothing.
func Seal(path string) error { return seal(path) }

// Remove removes the file or empty directory at path like os.Remove. On Windows
// it tries for a second while somebody else has it open.
func Remove(path string) error { return remove(path) }

// RemoveTree removes a file, or a directory with all below it, like os.RemoveAll: one
// that is not there is removed already, and a link is removed and not followed. On
// the way to it a link is followed only where nobody but root and we could have put
// it; another user's is refused with ErrUntrusted, also where he puts it there while
// we are on our way. What is mounted there, or below it, is not emptied but refused, with
// ErrUntrusted as well.
func RemoveTree(path string) error { return removeTree(path) }

// Mounted is where something is mounted at dir or below it, for whoever wants to know before
// [RemoveTree] refuses; empty if there is nothing, or the system does not say (all but Linux).
func Mounted(dir string) string { return mounted(dir) }

// Writers says which ordinary users could change the file or directory at path itself,
// links followed, and how that shows; it is empty if none but the administrator and we
// could. Of a directory that only leads to what matters it counts who could put
// something else in the place of what is in it, and not who could add to it, which on
// Unix is the same. On Unix owner and mode decide (a group that is ours alone is not
// others; access lists are not read), on Windows owner and access list. What is not
// there nobody changes.
func Writers(path string, leads bool) string { return writers(path, leads) }

// SyncDir makes the names in a directory durable: of a file that was created or
// renamed there, only the content is durable after its own Sync. On Windows it
// does nothing: NTFS journals such changes.
func SyncDir(dir string) error { return syncDir(dir) }

// Inode is what tells the file with which info came from every other one that is
// there: DEVICE:INODE, in decimals. It is empty where the system says no such thing by its
// FileInfo, as Windows does.
func Inode(info fs.FileInfo) string { return inode(info) }

// Open opens the regular file at path like os.OpenFile, creating it with mode
// if flag has os.O_CREATE. It refuses, with ErrUntrusted, a symbolic link,
// a directory, a FIFO or a device (without blocking on it), and a file that has
// a second name: writing to any of these could hit something else. Where nobody but
// the administrator or we could have given it the name path, a second one elsewhere
// says nothing: on many systems any user may make one (link(2)).
func Open(path string, flag int, mode fs.FileMode) (*os.File, error) {
	return openOneName(path, func() (*os.File, error) { return open(path, flag, mode) })
}

func openOneName(path string, do func() (*os.File, error)) (*os.File, error) {
	f, info, err := openRegular(path, do)
	if err != nil {
		return nil, err
	}
	if err := oneName(f, info, path); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// openRegular has do open path, which neither follows a link nor blocks, and
// refuses what is no regular file.
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
		err = fmt.Errorf("%s has %d names (hard links): %w: copy it to a file of its own, or remove it", f.Name(), n, ErrUntrusted)
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

// MakeDir makes sure that the directory path exists, creating it and its
// parents with mode if it must, and passes CheckDir.
func MakeDir(path string, mode fs.FileMode) error {
	if err := makeDirs(path, mode); err != nil {
		if e := CheckDir(path); errors.Is(e, ErrUntrusted) {
			err = fmt.Errorf("%w: %w", err, e) // something else is there
		}
		return fmt.Errorf("directory for the service's files: %w", err)
	}
	return CheckDir(path)
}

// MakeDirAs is MakeDir, with exactly mode for what it makes, where MakeDir leaves a say
// to the umask of the process: for what others are to find whoever made it.
func MakeDirAs(path string, mode fs.FileMode) error {
	if err := makeDirsAs(filepath.Clean(path), mode); err != nil {
		return fmt.Errorf("directory %s: %w", path, err)
	}
	return CheckDir(path)
}

// CheckDir refuses, with ErrUntrusted, what is no directory or can be written
// by everybody: there, anybody could replace the service's files by their own.
// A sticky bit does not help: a file can be planted before we come. On Windows
// it refuses as well what belongs to another ordinary user, who could change its
// ACL at any time, and what is reached by such a user's link.
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
