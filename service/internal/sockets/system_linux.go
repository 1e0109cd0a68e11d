package sockets

import (
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// prepare is called before a socket gets its address.
func (x *socket) prepare(fd uintptr) error {
	if x.at.File() != "" {
		mode, err := x.FileMode()
		if err != nil {
			return err
		}
		if x.Owner != "" || x.Group != "" {
			mode &= 0o600 // before it is theirs
		}
		// bind(2) gives the file what the socket has, less the umask.
		return os.NewSyscallError("fchmod", unix.Fchmod(int(fd), uint32(mode.Perm())))
	}
	for _, option := range []struct {
		key          string
		is           bool
		level, value int
	}{
		{"reuse_port", x.ReusePort, unix.SOL_SOCKET, unix.SO_REUSEPORT},
		{"freebind", x.FreeBind, unix.SOL_IP, unix.IP_FREEBIND}, // of both families, ip(7)
	} {
		if !option.is {
			continue
		}
		if err := unix.SetsockoptInt(int(fd), option.level, option.value, 1); err != nil {
			return fmt.Errorf("%s: %w", option.key, os.NewSyscallError("setsockopt", err))
		}
	}
	return nil
}

// narrow has nothing to do: prepare has done it.
func (*socket) narrow() (undo func()) { return func() {} }

// setOwner changes the socket that file is, and nothing that it leads to.
func setOwner(file string, uid, gid int, mode fs.FileMode) error {
	fd, err := unix.Open(file, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: file, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var is unix.Stat_t
	if err := unix.Fstat(fd, &is); err != nil {
		return &fs.PathError{Op: "stat", Path: file, Err: err}
	}
	if is.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return fmt.Errorf("%s: another file has replaced it", file)
	}
	if uid >= 0 && int(is.Uid) != uid || gid >= 0 && int(is.Gid) != gid {
		if err := unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH); err != nil {
			return &fs.PathError{Op: "chown", Path: file, Err: err}
		}
	}
	if is.Mode&0o7777 == uint32(mode) {
		return nil
	}
	if err := os.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), mode); err != nil {
		return &fs.PathError{Op: "chmod", Path: file, Err: err}
	}
	return nil
}
