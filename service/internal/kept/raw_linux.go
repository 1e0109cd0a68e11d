package kept

import (
	"os"

	"golang.org/x/sys/unix"
)

// Descriptors are numbers while they are kept: an [os.File] would have this process wake up for
// each message to a connection that belongs to somebody else.

// rawDuplicate returns another descriptor of f.
func rawDuplicate(f *os.File) (int, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	n := -1
	var failed error
	if err := raw.Control(func(fd uintptr) { n, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return -1, err
	}
	return n, os.NewSyscallError("fcntl", failed)
}

// asFile returns another descriptor of fd as a file.
func asFile(fd int, name string) (*os.File, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0) //nolint:gosec // a descriptor
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(n), name), nil //nolint:gosec // a descriptor
}

func closeRaw(fd int) { _ = unix.Close(fd) }

// same reports whether two descriptors are of one open file. A kernel or a sandbox without
// kcmp(2) does not say, so they count as two.
func same(a, b int) bool {
	const file = 0 // KCMP_FILE
	self := uintptr(os.Getpid())
	r, _, errno := unix.Syscall6(unix.SYS_KCMP, self, self, file, uintptr(a), uintptr(b), 0) //nolint:gosec // descriptors
	return errno == 0 && r == 0
}

// hungUp reports whether the other end is closed: see EPOLLHUP and EPOLLERR in epoll_ctl(2).
func hungUp(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd)}} //nolint:gosec // a descriptor
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1 && p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}
