//go:build unix

package files

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// O_NONBLOCK: opening a FIFO must not wait for a peer. It has no effect on
// regular files. os.OpenFile adds O_CLOEXEC itself.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

func create(path string, mode fs.FileMode) (*os.File, error) {
	return open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

func open(path string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag|openFlags, mode)
}

func openToRead(path string) (*os.File, error) { return os.Open(path) }

// settle gives the file its mode: the umask has no say.
func settle(f *os.File, mode fs.FileMode) error { return f.Chmod(mode) }

func rename(from, to string) error { return os.Rename(from, to) }

func remove(path string) error { return os.Remove(path) }

func makeDirs(path string, mode fs.FileMode) error { return os.MkdirAll(path, mode) }

func links(_ *os.File, info fs.FileInfo) (uint64, error) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink), nil //nolint:unconvert // its width differs by system
	}
	return 1, nil
}

func trust(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o002 == 0 {
		return nil
	}
	return fmt.Errorf("directory %s can be written by everybody (mode %04o): %w: chmod o-w it, or choose another",
		path, info.Mode().Perm(), ErrUntrusted)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}
