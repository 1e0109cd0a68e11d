package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// shared is the sharing mode of our open files. Others may do anything with them meanwhile.
const shared = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE

// create makes a new file with the ACL for mode. It fails if the file exists.
func create(path string, mode fs.FileMode) (*os.File, error) {
	sa, err := attributes(mode, "")
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: err}
	}
	var h windows.Handle
	err = insist(func() error {
		h, err = openHandle(path, windows.GENERIC_READ|windows.GENERIC_WRITE, sa, windows.CREATE_NEW, 0)
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// open does not follow a link. It makes a missing file by create.
func open(path string, flag int, mode fs.FileMode) (*os.File, error) {
	if flag&os.O_EXCL != 0 {
		return create(path, mode)
	}
	for tries := 0; ; tries++ {
		f, err := openThere(path, flag&^os.O_CREATE)
		if !errors.Is(err, fs.ErrNotExist) || flag&os.O_CREATE == 0 || tries == 10 {
			return f, err
		}
		made, err := create(path, mode)
		if err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been faster
			return nil, err
		}
		if err == nil {
			_ = made.Close()
		}
	}
}

// openThere opens an existing file and does not share it for deletion, so the file keeps its
// name while it is open.
func openThere(path string, flag int) (*os.File, error) {
	if flag&(os.O_APPEND|os.O_TRUNC) != 0 { // a log file, in a directory that others cannot write to
		return os.OpenFile(path, flag|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	}
	access := map[int]uint32{
		os.O_RDONLY: windows.GENERIC_READ, os.O_WRONLY: windows.GENERIC_WRITE, os.O_RDWR: windows.GENERIC_READ | windows.GENERIC_WRITE,
	}[flag&(os.O_RDONLY|os.O_WRONLY|os.O_RDWR)]
	return openAtOnce(path, access, shared&^windows.FILE_SHARE_DELETE, windows.FILE_OPEN_REPARSE_POINT)
}

// openToRead does not follow a link.
func openToRead(path string) (*os.File, error) {
	return openAtOnce(path, windows.GENERIC_READ, shared, windows.FILE_OPEN_REPARSE_POINT)
}

// openThrough is openToRead, but follows a link.
func openThrough(path string) (*os.File, error) {
	return openAtOnce(path, windows.GENERIC_READ, shared, 0)
}

func openHandle(path string, access uint32, sa *windows.SecurityAttributes, how, flags uint32) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	return windows.CreateFile(p, access, shared, sa, how, windows.FILE_ATTRIBUTE_NORMAL|flags, 0)
}

// settle does nothing, because create has set the ACL. A mode without a write bit would make
// the file read-only for us.
func settle(*os.File, fs.FileMode) error { return nil }

// rename replaces to atomically even if another process has it open and shares it. os.Root
// renames with POSIX semantics, and os.Rename does not. The directory cannot be opened while
// somebody is about to remove it, so rename retries.
func rename(from, to string) error {
	return insist(func() error {
		dir, err := os.OpenRoot(filepath.Dir(to))
		if err != nil {
			return err
		}
		defer dir.Close()
		err = dir.Rename(filepath.Base(from), filepath.Base(to))
		if info, e := dir.Lstat(filepath.Base(to)); err != nil && e == nil && info.IsDir() {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: windows.ERROR_DIRECTORY_NOT_SUPPORTED}
		}
		return err
	})
}

func move(from, to string) error { return insist(func() error { return os.Rename(from, to) }) }

func remove(path string) error { return insist(func() error { return os.Remove(path) }) }

// Another process may have a file open for this time and for this number of attempts. On a
// busy machine a second is over after a few attempts.
const (
	busyLimit = time.Second
	busyTries = 60
)

// insist repeats an operation while the system reports that another process has the file open
// or is removing it: a virus scanner, a backup, a reader.
func insist(do func() error) error {
	deadline := time.Now().Add(busyLimit)
	wait := time.Millisecond
	for tries := 1; ; tries++ {
		err := do()
		kept := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION)
		busy := kept || errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_DELETE_PENDING)
		if !busy || tries >= busyTries && time.Now().After(deadline) {
			if kept {
				err = fmt.Errorf("%w: %w", ErrInUse, err)
			}
			return err
		}
		time.Sleep(wait)
		wait = min(2*wait, 50*time.Millisecond)
	}
}

func inode(fs.FileInfo) string { return "" }

func links(f *os.File, _ fs.FileInfo) (uint64, error) {
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info); err != nil {
		return 0, &fs.PathError{Op: "examine", Path: f.Name(), Err: err}
	}
	return uint64(info.NumberOfLinks), nil
}

// makeDirs makes path and its missing parents.
func makeDirs(path string, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: windows.ERROR_DIRECTORY}
		}
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := makeDirs(parent, mode); err != nil {
			return err
		}
	}
	sa, err := attributes(mode, "OICI")
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	p, err := windows.UTF16PtrFromString(path)
	if err == nil {
		err = windows.CreateDirectory(p, sa)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been faster
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

// makeDirsAs is makeDirs, because Windows has no umask.
func makeDirsAs(path string, mode fs.FileMode) error { return makeDirs(path, mode) }

// removeTree does not guard against links, because the directories of services can be written
// only by their account and administrators. It retries, because the directory of a program
// that has just ended may still be open for a moment.
func removeTree(path string) error { return insist(func() error { return os.RemoveAll(path) }) }

func mounted(string) string { return "" }

// trustDirAlone and trustFileAlone do nothing. CheckDir has refused directories of other
// ordinary users, and Read has refused their files.
func trustDirAlone(string) error { return nil }

func trustFileAlone(string, fs.FileInfo) error { return nil }

// syncDir does nothing. Directories cannot be synced, and NTFS journals their changes.
func syncDir(string) error { return nil }

// namedByUs returns false, because nobody can make a hard link to a file that he may not
// write.
func namedByUs(string) bool { return false }
