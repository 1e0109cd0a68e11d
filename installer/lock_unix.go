//go:build unix

package installer

import (
	"errors"
	"io/fs"
	"os"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// maxSwaps limits the attempts. A holder that releases the lock may remove the file between
// our open and our lock.
const maxSwaps = 100

// lock opens and locks the file at path, or fails with files.ErrLocked.
func lock(path string) (*os.File, error) {
	for range maxSwaps {
		file, err := files.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
		if errors.Is(err, fs.ErrNotExist) { // the directory went with the last one
			return nil, files.ErrLocked
		}
		if err != nil {
			return nil, err
		}
		if err := files.TryLock(file, false); err != nil {
			_ = file.Close()
			return nil, err
		}
		ours, err := file.Stat()
		if there, e := os.Lstat(path); err == nil && e == nil && os.SameFile(ours, there) {
			return file, nil
		}
		_ = file.Close()
	}
	return nil, files.ErrLocked
}

// unlock removes the file while no other process can hold its lock.
func unlock(file *os.File, path string) {
	_ = os.Remove(path)
	_ = file.Close()
}
