//go:build unix

package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// writableByOthers says who else could have the name in dir lead somewhere else;
// nothing if only root and we could.
func writableByOthers(dir, name string) string {
	reason := files.Writers(dir, true)
	info, err := os.Stat(dir)
	if reason == "" || err != nil || info.Mode()&fs.ModeSticky == 0 {
		return reason
	}
	if foreignOwner(info) {
		return reason
	}
	// There, only its owner can replace an entry.
	entry, err := os.Lstat(filepath.Join(dir, name))
	if err != nil {
		return err.Error()
	}
	if !foreignOwner(entry) {
		return ""
	}
	return reason
}

// plantable says who else could put a file into dir; a sticky bit does not keep
// anybody from that.
func plantable(dir string) string { return files.Writers(dir, false) }

// foreignOwner reports whether it is neither root's nor ours.
func foreignOwner(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid != 0 && int(st.Uid) != os.Geteuid()
}

// besides: nothing that lies beside a program is loaded by it.
func besides(string) string { return "" }
