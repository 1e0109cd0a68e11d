//go:build unix

package kardianos

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// appendTo redirects a descriptor to a file, if this process may write to it.
func appendTo(path string, descriptor int) {
	f, err := files.Open(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return
	}
	_ = unix.Dup2(int(f.Fd()), descriptor)
	_ = f.Close()
}
