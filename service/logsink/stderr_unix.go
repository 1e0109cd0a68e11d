//go:build unix

package logsink

import (
	"os"

	"golang.org/x/sys/unix"
)

// stderr is standard error under another number. A failed write to descriptor 2
// itself, when its reader is gone, ends a Go program by SIGPIPE (os/signal,
// "SIGPIPE"), and systemd takes that for a clean exit. Through any other
// descriptor it is an error.
func stderr() *os.File {
	fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return os.Stderr
	}
	return os.NewFile(uintptr(fd), os.Stderr.Name())
}
