package files

import (
	"errors"
	"io/fs"
	"os"
)

// ErrLocked means that another open file holds the lock.
var ErrLocked = errors.New("it is locked")

// TryLock locks f without blocking, exclusively or, with shared set, together with other
// shared locks. It fails with ErrLocked if another open file, of any process, holds the lock.
// The lock does not prevent reading or writing, and ends when f is closed. If f holds the lock
// already, only Unix can change its kind; on Windows call Unlock first.
func TryLock(f *os.File, shared bool) error { return tryLock(f, shared) }

// Unlock releases the lock that TryLock has taken.
func Unlock(f *os.File) error { return unlock(f) }

// Locked reports whether somebody holds the lock of the file at path. It returns false if the
// file does not exist, and opens it like [OpenToRead]. It takes a shared lock for a moment, so
// another process may fail to get the lock then, and has to try again.
func Locked(path string) (bool, error) {
	f, err := OpenToRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = TryLock(f, true)
	if errors.Is(err, ErrLocked) {
		return true, nil
	}
	return false, err
}
