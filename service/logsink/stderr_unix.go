//go:build unix

package logsink

import (
	"os"

	"golang.org/x/sys/unix"
)

// stderr returns standard error under another number. If nobody reads it any more, a write to
// descriptor 2 itself ends a Go program by SIGPIPE (os/signal, "SIGPIPE"), which systemd takes
// for a clean exit. A write to any other descriptor returns an error.
func stderr() *os.File {
	fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return os.Stderr
	}
	return os.NewFile(uintptr(fd), os.Stderr.Name())
}
