package platform

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"
)

// A Socket is a socket at which a service listens: a table [[service.socket]].
type Socket struct {
	Name   string `toml:"name" help:"name by which the program asks for it: letters, digits, '.', '_', '-'"`
	Listen string `toml:"listen" help:"\"tcp:HOST:PORT\" or \"udp:HOST:PORT\", where HOST is an IP address, or empty for all addresses; \"unix:/PATH\", or \"unix:@NAME\" for an abstract name"`

	Backlog   int           `toml:"backlog" help:"maximum number of connections that wait to be accepted; 0: the system's maximum"`
	KeepAlive time.Duration `toml:"keep_alive" help:"time between keep-alive probes of an idle connection; \"0s\": 15 s, \"-1s\": no probes"`
	ReusePort bool          `toml:"reuse_port" help:"let other sockets listen at the same address; the system distributes connections among them"`
	IPv6Only  bool          `toml:"ipv6_only" help:"for all addresses: IPv6 only, and not IPv4 as well"`
	FreeBind  bool          `toml:"freebind" help:"listen at an address that the machine does not have yet; Linux only"`

	Mode  string `toml:"mode" help:"mode of the file of a unix socket, octal; default: \"0660\""`
	Owner string `toml:"owner" help:"owner of the file; default: the service's user"`
	Group string `toml:"group" help:"group of the file; default: the service's group"`
}

// A SocketAddress is the parsed address of a [Socket].
type SocketAddress struct {
	Network string     // "tcp", "udp" or "unix"
	Host    netip.Addr // of tcp and udp; not valid: all addresses of both families
	Port    uint16     // of tcp and udp; 0: the system chooses
	Path    string     // of unix; "@NAME" in Linux' abstract name space
}

// String returns the address as it is written in the configuration.
func (a SocketAddress) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Path
	}
	return a.Network + ":" + a.Dial()
}

// Dial returns the address without its network, in the form that package net takes.
func (a SocketAddress) Dial() string {
	switch {
	case a.Network == "unix":
		return a.Path
	case !a.Host.IsValid():
		return ":" + strconv.Itoa(int(a.Port))
	}
	return netip.AddrPortFrom(a.Host, a.Port).String()
}

// File returns the path of the file of a unix socket, or "" if the socket has no file.
func (a SocketAddress) File() string {
	if strings.HasPrefix(a.Path, "@") {
		return ""
	}
	return a.Path
}

// maxSocketPath limits the path of a unix socket: on Linux, sun_path has 108 bytes with the
// final NUL, see unix(7). Other systems allow 103.
const maxSocketPath = 107

// Address parses Listen. The error says what a valid value is.
func (s Socket) Address() (SocketAddress, error) {
	network, where, _ := strings.Cut(s.Listen, ":")
	a := SocketAddress{Network: network}
	switch network {
	case "unix":
		a.Path = where
		return a, checkSocketPath(where)
	case "tcp", "udp":
		return a, a.readHostPort(where)
	}
	return a, fmt.Errorf(`%q: write "tcp:HOST:PORT", "udp:HOST:PORT", "unix:/PATH" or "unix:@NAME"`, s.Listen)
}

func (a *SocketAddress) readHostPort(where string) error {
	colon := strings.LastIndexByte(where, ':')
	if colon < 0 {
		return fmt.Errorf(`"%s:%s" has no port: write "%s:HOST:PORT"`, a.Network, where, a.Network)
	}
	host, digits := where[:colon], where[colon+1:]
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return fmt.Errorf("%q is not a port: use a number up to 65535", digits)
	}
	a.Port = uint16(port)
	if host == "" {
		return nil
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		inner, bracketed = strings.CutSuffix(inner, "]")
	}
	ip, err := netip.ParseAddr(inner)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not an IP address, and a host name may have several: write one address, or none for all", host)
	case ip.Is6() && !bracketed:
		return fmt.Errorf("write an IPv6 address in brackets: [%s]:%d", ip, port)
	}
	a.Host = ip.Unmap()
	return nil
}

func checkSocketPath(name string) error {
	switch {
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("%q contains a NUL", name)
	case len(name) > maxSocketPath:
		return fmt.Errorf("%q has %d bytes, and the path of a unix socket %d at most", name, len(name), maxSocketPath)
	case strings.HasPrefix(name, "@") && len(name) > 1:
		return nil
	case !path.IsAbs(name) || path.Clean(name) != name || name == "/":
		return fmt.Errorf("%q is neither an absolute path, without detours, nor @ and a name", name)
	}
	return nil
}

// defaultSocketMode allows access to the service's user and group.
const defaultSocketMode = 0o660

// FileMode returns Mode as a number, or the default.
func (s Socket) FileMode() (fs.FileMode, error) {
	if s.Mode == "" {
		return defaultSocketMode, nil
	}
	n, err := strconv.ParseUint(s.Mode, 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q is not an octal mode like \"0660\"", s.Mode)
	}
	return fs.FileMode(n), nil
}

// CheckSockets calls bad for each error in sockets. The key of a field begins with the index
// of its socket, counted from 1: "1.listen".
func CheckSockets(sockets []Socket, bad func(key string, err error)) {
	names, places := map[string]bool{}, map[SocketAddress]string{}
	for i, s := range sockets {
		of := func(key string, err error) {
			if err != nil {
				bad(strconv.Itoa(i+1)+"."+key, err)
			}
		}
		of("name", CheckName(s.Name))
		if names[s.Name] {
			of("name", fmt.Errorf("there are two sockets %q", s.Name))
		}
		names[s.Name] = true
		a, err := s.Address()
		of("listen", err)
		if err != nil {
			continue
		}
		if other, twice := places[a]; twice && (a.Network == "unix" || a.Port > 0) {
			of("listen", fmt.Errorf("%s is where %q listens", a, other))
		}
		places[a] = s.Name
		s.checkOptions(a, of)
	}
}

// checkOptions refuses options that a socket of that kind does not have.
func (s Socket) checkOptions(a SocketAddress, bad func(key string, err error)) {
	only := func(key string, is, possible bool, what string) {
		if is && !possible {
			bad(key, fmt.Errorf("%q listens on %s: that is only for %s", s.Name, a, what))
		}
	}
	internet, file := a.Network != "unix", a.File() != ""
	only("backlog", s.Backlog != 0, a.Network != "udp", "what takes connections, tcp and unix")
	only("keep_alive", s.KeepAlive != 0, a.Network == "tcp", "tcp")
	only("reuse_port", s.ReusePort, internet, "tcp and udp")
	only("freebind", s.FreeBind, internet, "tcp and udp")
	only("ipv6_only", s.IPv6Only, internet && (!a.Host.IsValid() || a.Host.Is6()), "tcp and udp at all addresses, or at one of IPv6")
	only("mode", s.Mode != "", file, "a unix socket with a file")
	only("owner", s.Owner != "", file, "a unix socket with a file")
	only("group", s.Group != "", file, "a unix socket with a file")
	if s.Backlog < 0 {
		bad("backlog", fmt.Errorf("%d is negative", s.Backlog))
	}
	if _, err := s.FileMode(); err != nil {
		bad("mode", err)
	}
	if s.KeepAlive > 0 && s.KeepAlive < time.Second {
		bad("keep_alive", errors.New(`less than a second is not possible: write "1s", or "-1s" for none`))
	}
}
