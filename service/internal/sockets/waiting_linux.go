package sockets

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// acceptWaiting accepts who waits at l, and does not block.
func acceptWaiting(l net.Listener) (files []*os.File) {
	c, ok := l.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Control(func(fd uintptr) {
		for {
			n, _, err := unix.Accept4(int(fd), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			switch {
			case err == nil:
				files = append(files, os.NewFile(uintptr(n), "a connection")) //nolint:gosec // a descriptor
			case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			default:
				return
			}
		}
	})
	return files
}
