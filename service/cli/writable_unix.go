//go:build unix

package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// writableByOthers says who else could make the name in dir lead somewhere else. It is empty
// if only root and the caller could.
func writableByOthers(dir, name string) string {
	reason := files.Writers(dir, true)
	info, err := os.Stat(dir)
	if reason == "" || err != nil || info.Mode()&fs.ModeSticky == 0 {
		return reason
	}
	if foreignOwner(info) {
		return reason
	}
	// In a sticky directory, only its owner can replace an entry.
	entry, err := os.Lstat(filepath.Join(dir, name))
	if err != nil {
		return err.Error()
	}
	if !foreignOwner(entry) {
		return ""
	}
	return reason
}

// plantable says who else could put a file into dir. A sticky bit does not prevent this.
func plantable(dir string) string { return files.Writers(dir, false) }

// foreignOwner reports whether the owner is neither root nor the caller.
func foreignOwner(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid != 0 && int(st.Uid) != os.Geteuid()
}

// besides returns nothing, because a program does not load what lies beside it.
func besides(string) string { return "" }
