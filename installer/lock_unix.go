//go:build unix

package installer

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// maxSwaps: the file can be removed between our open and our lock, by who gives it up.
const maxSwaps = 100

// lock opens and locks the file at path, or fails with errTaken.
func lock(path string) (*os.File, error) {
	for range maxSwaps {
		file, err := files.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
		if errors.Is(err, fs.ErrNotExist) { // the directory went with the last one
			return nil, errTaken
		}
		if err != nil {
			return nil, err
		}
		if err := flock(file, syscall.LOCK_EX); err != nil {
			_ = file.Close()
			return nil, err
		}
		ours, err := file.Stat()
		if there, e := os.Lstat(path); err == nil && e == nil && os.SameFile(ours, there) {
			return file, nil
		}
		_ = file.Close()
	}
	return nil, errTaken
}

// unlock removes the file while nobody else can have it locked.
func unlock(file *os.File, path string) {
	_ = os.Remove(path)
	_ = file.Close()
}

// taken finds out by a shared lock that lasts a moment; who comes then tries again.
func taken(path string) (bool, error) {
	file, err := files.OpenToRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	err = flock(file, syscall.LOCK_SH)
	if errors.Is(err, errTaken) {
		return true, nil
	}
	return false, err
}

// flock takes a lock without blocking, or fails with errTaken.
func flock(file *os.File, how int) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	err = raw.Control(func(fd uintptr) {
		for {
			if locked = syscall.Flock(int(fd), how|syscall.LOCK_NB); !errors.Is(locked, syscall.EINTR) {
				return
			}
		}
	})
	switch {
	case err != nil:
		return err
	case errors.Is(locked, syscall.EWOULDBLOCK):
		return errTaken
	case locked != nil:
		return &fs.PathError{Op: "flock", Path: file.Name(), Err: locked}
	}
	return nil
}
