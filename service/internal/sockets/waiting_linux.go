package sockets

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acceptWaiting accepts who waits at l, and does not block.
func acceptWaiting(l net.Listener) (files []*os.File) {
	control(l, func(fd int) {
		for {
			n, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
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

// A connection between the last accept of a socket and its close would be reset:
//
//	peer             we
//	                 accept: nobody waits
//	connect: done
//	                 close
//	write: reset
//
// So the socket takes no new ones before the last accept.

// ignoreNew makes a tcp socket ignore requests for a connection. It returns when those that it
// has answered have become connections, or after handshake. Who is ignored tries again after a
// second and is refused. Accept continues. The error says that the socket takes new ones: Linux
// 6.18 permits no filter to a process without capabilities.
func ignoreNew(l net.Listener) error {
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	// It drops segments with SYN and without ACK: the flags are in byte 13 of the tcp header.
	filter := [...]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x02, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
	}
	var err error
	control(l, func(fd int) {
		err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
	if err != nil {
		return os.NewSyscallError("setsockopt SO_ATTACH_FILTER", err)
	}
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for begin := time.Now(); handshakes(at.Port) && time.Since(begin) < handshake; {
		<-tick.C
	}
	return nil
}

// heedNew undoes ignoreNew: on trial, the version before has the socket again if this one fails.
func heedNew(l net.Listener) {
	control(l, func(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) }) // there may be none
}

// handshake is how long somebody may take for his part of one. Who is far away takes less.
const handshake = time.Second

// handshakes reports whether somebody is about to be connected at a port.
func handshakes(port int) (some bool) {
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		eachLine(file, func(f []string) {
			if len(f) < 10 || f[3] != tcpHandshake {
				return
			}
			at, ok := parseAddress(f[1])
			some = some || ok && int(at.Port()) == port
		})
	}
	return some
}

// refuseNew makes a unix socket refuse connections. Those that wait can still be accepted:
// afterwards Accept fails at once.
func refuseNew(l net.Listener) {
	if _, ok := l.(*net.UnixListener); ok {
		control(l, func(fd int) { _ = unix.Shutdown(fd, unix.SHUT_RD) })
	}
}

func control(l net.Listener, do func(fd int)) {
	if c, ok := l.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { do(int(fd)) }) //nolint:gosec // a descriptor
		}
	}
}
