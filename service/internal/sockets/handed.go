package sockets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// found describes the socket of a descriptor.
type found struct {
	network   string // "tcp", "udp", "unix"; any other word is none of ours
	listening bool
	at        netip.AddrPort // of tcp and udp
	ipv6Only  bool
	path      string // of unix
}

func (f found) String() string {
	where := f.at.String()
	if f.network == "unix" {
		where = f.path
	}
	if f.network != "udp" && !f.listening {
		where += ", at which it does not listen"
	}
	return f.network + ":" + where
}

// takeBack looks for x in handed, first by name and then by address, and returns the rest. If
// no descriptor matches, x stays closed.
func (s *Set) takeBack(x *socket, handed []*os.File) (rest []*os.File, err error) {
	for _, named := range []bool{true, false} {
		for i, f := range handed {
			if named != (strings.TrimPrefix(f.Name(), Mark) == x.Name) {
				continue
			}
			is, err := inspect(f)
			switch {
			case err != nil && named:
				s.o.Log.Warn("a file from the manager is not a socket", "name", f.Name(), "error", err)
				continue
			case err != nil:
				continue
			}
			if why := x.unlike(is); why != "" {
				if named {
					s.o.Log.Info("the kept socket differs from the configuration", "socket", x.Name, "kept", is.String(), "why", why)
				}
				continue
			}
			return slices.Delete(handed, i, i+1), x.adopt(f)
		}
	}
	return handed, nil
}

// adopt makes x the socket of f, and closes f.
func (x *socket) adopt(f *os.File) (err error) {
	defer f.Close()
	// A descriptor without the mark is of a socket unit, which keeps it itself.
	x.kept = f.Name() == Mark+x.Name || !strings.HasPrefix(f.Name(), Mark)
	x.known = f.Name()
	if x.at.Network != "unix" && !x.ofUnit() { // it may have been opened before they were configured
		raw, err := f.SyscallConn()
		if err != nil {
			return err
		}
		if err := x.listenConfig().Control("", "", raw); err != nil {
			return err
		}
	}
	if x.at.Network == "udp" {
		x.packet, err = net.FilePacketConn(f)
		return err
	}
	if x.stream, err = net.FileListener(f); err != nil {
		return err
	}
	x.bound = newBoundFile(x.at.File())
	if x.ofUnit() {
		return x.setBacklog() // the unit has the owner and the mode, which this process may not be able to change
	}
	heedNew(x.stream)
	return x.finish()
}

// unlike says how a descriptor differs from x, or returns "" if it does not.
func (x *socket) unlike(f found) string {
	host := x.at.Host
	switch {
	case f.network != x.at.Network:
		return "another kind of socket"
	case f.network != "udp" && !f.listening:
		return "it does not listen"
	case f.network == "unix" && f.path != x.at.Path:
		return "another path"
	case f.network == "unix":
		return Lost(x.at)
	case x.at.Port != 0 && f.at.Port() != x.at.Port:
		return "another port"
	case !host.IsValid() && !x.IPv6Only && f.at.Addr().Is4() && f.at.Addr().IsUnspecified() && !hasIPv6():
		return ""
	case !host.IsValid():
		host = netip.IPv6Unspecified()
	}
	switch {
	case f.at.Addr() != host:
		return "another address"
	case host == netip.IPv6Unspecified() && f.ipv6Only != x.IPv6Only:
		return "another ipv6_only"
	}
	return ""
}

// Lost says why a socket that is open cannot be reached: the file of a unix socket is gone. It
// returns "" if it can, as far as files tell.
func Lost(a platform.SocketAddress) string {
	file := a.File()
	if file == "" {
		return ""
	}
	info, err := os.Lstat(file)
	switch {
	case err != nil:
		return "its file is gone"
	case info.Mode()&os.ModeSocket == 0:
		return "another file has replaced its file"
	}
	return ""
}

// retry is the interval between two attempts while the keeper has yet to close a socket.
const retry = 10 * time.Millisecond

// create opens x, before the old socket is closed. If the old one is in the way, it is closed
// first.
func (s *Set) create(ctx context.Context, x *socket, handed []*os.File) (rest []*os.File, err error) {
	err = x.listen(ctx)
	if !errors.Is(err, errInUse) || len(handed) == 0 {
		return handed, err
	}
	s.dismiss(ctx, handed)
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for errors.Is(err, errInUse) {
		select {
		case <-tick.C:
			err = x.listen(ctx)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		}
	}
	return nil, err
}

// dismiss closes descriptors that match no socket, and makes the keeper forget them.
func (s *Set) dismiss(ctx context.Context, handed []*os.File) {
	for _, f := range handed {
		what := "no socket"
		if is, err := inspect(f); err == nil {
			what = is.String()
		}
		s.o.Log.Warn("a socket from the manager is in no [[service.socket]]: it is closed", "name", f.Name(), "is", what)
		_ = f.Close()
		if s.o.Keeper == nil {
			continue
		}
		if err := s.o.Keeper.Forget(ctx, f.Name()); err != nil && !errors.Is(err, platform.ErrUnsupported) {
			s.o.Log.Warn("it stays open, because the manager could not be notified", "name", f.Name(), "error", err)
		}
		for _, x := range s.all { // of two of one name both are forgotten
			x.kept = x.kept && x.known != f.Name()
		}
	}
}
