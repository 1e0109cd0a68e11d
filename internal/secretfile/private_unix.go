//go:build unix

package secretfile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// private refuses a file that users other than its owner and group can read, that its group
// can change, or that belongs to neither root nor the service's user.
func private(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o027 != 0 {
		return fmt.Errorf("%s: %w: its mode is %04o: chmod 0600, or 0640 for the service's group", path, files.ErrUntrusted, info.Mode().Perm())
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("%s: %w: it belongs to user %d, who is neither root nor the service's", path, files.ErrUntrusted, s.Uid)
	}
	return nil
}
