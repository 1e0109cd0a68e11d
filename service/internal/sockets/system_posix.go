//go:build unix && !linux

package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// prepare is called before a socket gets its address.
func (x *socket) prepare(fd uintptr) error {
	if x.FreeBind {
		return fmt.Errorf("freebind: only Linux has that: %w", errors.ErrUnsupported)
	}
	if !x.ReusePort {
		return nil
	}
	if err := reusePort(int(fd)); err != nil {
		return fmt.Errorf("reuse_port: %w", err)
	}
	return nil
}

// narrow has files be made for their owner alone, by the whole process.
func (x *socket) narrow() (undo func()) {
	before := unix.Umask(0o177)
	return func() { unix.Umask(before) }
}

// setOwner changes the socket that file is, and nothing that it leads to.
func setOwner(file string, uid, gid int, mode fs.FileMode) error {
	if uid >= 0 || gid >= 0 {
		if err := os.Lchown(file, uid, gid); err != nil {
			return err
		}
	}
	if err := unix.Fchmodat(unix.AT_FDCWD, file, uint32(mode.Perm()), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "chmod", Path: file, Err: err}
	}
	return nil
}
