//go:build unix

package logsink

import (
	"io/fs"
	"os"
	"syscall"
)

// inherit gives a new file the mode and, as far as we may, the owner of the old.
func inherit(f *os.File, old fs.FileInfo) {
	_ = f.Chmod(old.Mode().Perm())
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
}
