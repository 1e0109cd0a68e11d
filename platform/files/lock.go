package files

import (
	"errors"
	"io/fs"
	"os"
)

// ErrLocked means that another open file has the lock.
var ErrLocked = errors.New("it is locked")

// TryLock locks f without blocking, for itself or, if shared, along with others who
// share it; it fails with ErrLocked where another open file, of any process, has it. The
// lock keeps nobody from reading or writing the file; it goes with f. Of a lock
// that f has already only Unix can change the kind: Unlock it first.
func TryLock(f *os.File, shared bool) error { return tryLock(f, shared) }

// Unlock gives up what TryLock has given.
func Unlock(f *os.File) error { return unlock(f) }

// Locked reports whether somebody has the lock of the file at path, which is opened as
// by [OpenToRead]; of one that is not there nobody has it. It finds out by a shared lock
// that lasts a moment: who is refused by that has to try again.
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
