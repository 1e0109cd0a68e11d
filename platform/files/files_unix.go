//go:build unix

package files

import (
	"io/fs"
	"os"
	"syscall"
)

// O_NONBLOCK: opening a FIFO must not wait for a peer. It has no effect on
// regular files. os.OpenFile adds O_CLOEXEC itself.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

func links(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink) //nolint:unconvert // its width differs by system
	}
	return 1
}

func owner(info fs.FileInfo) (int, bool) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), true
	}
	return 0, false
}

func worldWritable(info fs.FileInfo) bool { return info.Mode().Perm()&0o002 != 0 }

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
