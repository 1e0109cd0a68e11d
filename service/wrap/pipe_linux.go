package wrap

import (
	"os"

	"golang.org/x/sys/unix"
)

// enlarge makes a pipe hold size bytes. The kernel may refuse that to a user who has many large pipes
// (pipe-user-pages-soft of pipe(7)); then the pipe keeps its size.
func enlarge(pipe *os.File, size int) {
	if conn, err := pipe.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size) })
	}
}
