package installer

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// lock opens and locks the file at path, or fails with files.ErrLocked.
func lock(path string) (*os.File, error) {
	file, err := files.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED) && goes(path) || errors.Is(err, fs.ErrNotExist) {
		return nil, files.ErrLocked // somebody reads it, or gives it up
	}
	if err != nil {
		return nil, err
	}
	if err := files.TryLock(file, false); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// goes reports whether the file is about to be deleted. Such a file can no longer be looked up
// by name.
func goes(path string) bool {
	_, err := os.Lstat(path)
	return err != nil
}

// unlock releases the lock. The file stays if another process has opened it meanwhile.
func unlock(file *os.File, path string) {
	_ = file.Close()
	_ = os.Remove(path)
}
