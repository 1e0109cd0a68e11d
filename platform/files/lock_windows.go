package files

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// lockedByte is the position of the lock. It is beyond all content, because a locked range
// cannot be read (LockFileEx).
func lockedByte() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: 1} }

func tryLock(f *os.File, shared bool) error {
	how := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		how |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, lockedByte())
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	return pathError("lock", f, err)
}

func unlock(f *os.File) error {
	return pathError("unlock", f, windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, lockedByte()))
}

func pathError(op string, f *os.File, err error) error {
	if err != nil {
		err = &fs.PathError{Op: op, Path: f.Name(), Err: err}
	}
	return err
}
