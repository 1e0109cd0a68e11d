package installer

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// lockedByte is where the lock is: behind what anybody reads, for a range that is
// locked cannot be read (LockFileEx).
func lockedByte() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: 1} }

// lock opens and locks the file at path, or fails with errTaken.
func lock(path string) (*os.File, error) {
	file, err := files.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED) && goes(path) || errors.Is(err, fs.ErrNotExist) {
		return nil, errTaken // somebody reads it, or gives it up
	}
	if err != nil {
		return nil, err
	}
	if err := lockFile(file, windows.LOCKFILE_EXCLUSIVE_LOCK); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// goes reports whether the file is about to be deleted: then it has no name that
// could be looked up.
func goes(path string) bool {
	_, err := os.Lstat(path)
	return err != nil
}

// unlock gives the lock up. The file stays where somebody else has it open by now.
func unlock(file *os.File, path string) {
	_ = file.Close()
	_ = os.Remove(path)
}

func taken(path string) (bool, error) {
	file, err := files.OpenToRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	err = lockFile(file, 0)
	if errors.Is(err, errTaken) {
		return true, nil
	}
	return false, err
}

func lockFile(file *os.File, how uint32) error {
	err := windows.LockFileEx(windows.Handle(file.Fd()), how|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, lockedByte())
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return errTaken
	}
	if err != nil {
		return &os.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
	return nil
}
