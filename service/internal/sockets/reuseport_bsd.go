//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package sockets

import (
	"os"

	"golang.org/x/sys/unix"
)

func reusePort(fd int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
}
