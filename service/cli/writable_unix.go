//go:build unix

package cli

import (
	"fmt"
	"os"
	"syscall"
)

// writableByOthers says who else could change what a directory holds.
func writableByOthers(dir string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return err.Error()
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	switch {
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Sprintf("others can write to %s (mode %04o)", dir, info.Mode().Perm())
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return fmt.Sprintf("%s belongs to another user (%d)", dir, st.Uid)
	}
	return ""
}
