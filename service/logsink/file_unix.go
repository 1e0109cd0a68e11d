//go:build unix

package logsink

import (
	"io/fs"
	"os"
	"syscall"
)

// inherit gives a new file the mode of the old one and, if we have the right, its owner.
func inherit(f *os.File, old fs.FileInfo) {
	_ = f.Chmod(old.Mode().Perm())
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
}
