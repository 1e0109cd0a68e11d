package systemd

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
)

// longest limits one call of wait.
const longest = time.Second

// A socket is made by the first message and kept. It is not connected, so the address is
// looked up for each message, and a systemd that was executed anew is found again. This has no
// measurable cost. Package net would start the poller for it.
type socket struct {
	fd   int
	open bool
}

// send does not block. If there is no room, the error is ErrTimeout.
func (s *socket) send(address string, msg []byte) error {
	if err := s.make(); err != nil {
		return err
	}
	return s.sendTo(address, msg, unix.MSG_DONTWAIT)
}

// wait is send, but waits for room for some time. A signal may end the wait early.
func (s *socket) wait(address string, msg []byte) error { return s.sendTo(address, msg, 0) }

func (s *socket) sendTo(address string, msg []byte, flags int) error {
	to := unix.SockaddrUnix{Name: address} // x/sys turns a leading @ into the NUL of an abstract name
	err := unix.Sendto(s.fd, msg, flags|unix.MSG_NOSIGNAL, &to)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return fmt.Errorf("nobody reads: %w", platform.ErrTimeout)
	}
	return err
}

// sendFile is wait with a descriptor of f, if there is one.
func (s *socket) sendFile(address string, msg []byte, f *os.File) error {
	if err := s.make(); err != nil {
		return err
	}
	send := func(rights []byte) error {
		_, err := unix.SendmsgN(s.fd, msg, rights, &unix.SockaddrUnix{Name: address}, unix.MSG_NOSIGNAL)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			return fmt.Errorf("nobody reads: %w", platform.ErrTimeout)
		}
		return os.NewSyscallError("sendmsg", err)
	}
	if f == nil {
		return send(nil)
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = send(unix.UnixRights(int(fd))) })
	return errors.Join(err, failed)
}

func (s *socket) make() error {
	if s.open {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	limit := unix.NsecToTimeval(longest.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("socket: %w", err)
	}
	s.fd, s.open = fd, true
	return nil
}

func (s *socket) close() error {
	if !s.open {
		return nil
	}
	s.open = false
	return unix.Close(s.fd)
}
