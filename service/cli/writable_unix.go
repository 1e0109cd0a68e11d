//go:build unix

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// writableByOthers says who else could have the name in dir lead somewhere else;
// nothing if only root and we could.
func writableByOthers(dir, name string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return err.Error()
	}
	if owner, ok := foreignOwner(info); ok {
		return fmt.Sprintf("%s belongs to another user (%d)", dir, owner)
	}
	if info.Mode().Perm()&0o022 == 0 {
		return ""
	}
	if info.Mode()&fs.ModeSticky != 0 { // there, only its owner can replace an entry
		entry, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			return err.Error()
		}
		if _, foreign := foreignOwner(entry); !foreign {
			return ""
		}
	}
	return fmt.Sprintf("others can write to %s (mode %04o)", dir, info.Mode().Perm())
}

// plantable says who else could put a file into dir; a sticky bit does not keep
// anybody from that.
func plantable(dir string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return err.Error()
	}
	if owner, foreign := foreignOwner(info); foreign {
		return fmt.Sprintf("%s belongs to another user (%d)", dir, owner)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Sprintf("others can write to %s (mode %04o)", dir, mode)
	}
	return ""
}

// foreignOwner is whose it is, if neither root's nor ours.
func foreignOwner(info fs.FileInfo) (uint32, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Uid, st.Uid != 0 && int(st.Uid) != os.Geteuid()
}
