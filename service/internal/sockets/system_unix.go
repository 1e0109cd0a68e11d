//go:build unix

package sockets

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the system says of an address, or of who listens there.
const (
	errInUse   = syscall.EADDRINUSE
	errRefused = syscall.ECONNREFUSED
	errFull    = syscall.EAGAIN     // who listens is behind with accepting
	errKind    = syscall.EPROTOTYPE // who listens takes packets
)

// inspect says what a descriptor is.
func inspect(f *os.File) (is found, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return is, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { is, failed = look(int(fd)) })
	if err == nil {
		err = failed
	}
	return is, err
}

func look(fd int) (is found, err error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return is, os.NewSyscallError("getsockopt", err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		return is, os.NewSyscallError("getsockname", err)
	}
	switch kind {
	case unix.SOCK_STREAM:
		is.network = "tcp"
		listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if err != nil {
			return is, os.NewSyscallError("getsockopt", err)
		}
		is.listening = listens != 0
	case unix.SOCK_DGRAM:
		is.network = "udp"
	default:
		is.network = "type " + strconv.Itoa(kind)
	}
	switch at := at.(type) {
	case *unix.SockaddrInet4:
		is.at = netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)) //nolint:gosec // a port
	case *unix.SockaddrInet6:
		only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		if err != nil {
			return is, os.NewSyscallError("getsockopt", err)
		}
		is.ipv6Only = only != 0
		ip := netip.AddrFrom16(at.Addr)
		if at.ZoneId != 0 {
			ip = ip.WithZone(zone(int(at.ZoneId)))
		}
		is.at = netip.AddrPortFrom(ip, uint16(at.Port)) //nolint:gosec // a port
	case *unix.SockaddrUnix:
		if is.network != "tcp" {
			return found{network: "unix " + is.network}, nil
		}
		is.network, is.path = "unix", at.Name
	default:
		return is, fmt.Errorf("a socket of another family, %T", at)
	}
	return is, nil
}

func zone(index int) string {
	if i, err := net.InterfaceByIndex(index); err == nil {
		return i.Name
	}
	return strconv.Itoa(index)
}

// hasIPv6 reports whether the machine has IPv6 at all.
func hasIPv6() bool {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
}

// mostBacklog is cut by the system to its maximum.
const mostBacklog = math.MaxInt32

// setBacklog has the queue of a listening socket take so many.
func setBacklog(fd uintptr, n int) error {
	return os.NewSyscallError("listen", unix.Listen(int(fd), n))
}
