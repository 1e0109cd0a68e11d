//go:build unix

package upgrade

import (
	"fmt"
	"os"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// ours refuses a directory that anybody but root and this user can write to.
func ours(dir string, _ bool) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid != 0 && int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is writable by others: %w: remove it", dir, files.ErrUntrusted)
	}
	return nil
}

// replace atomically renames the file at beside to the stable path.
func (e *Engine) replace(beside string) error { return os.Rename(beside, e.Stable) }

func (e *Engine) mend() error { return nil }
