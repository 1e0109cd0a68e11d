package sockets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/holdfast-dev/holdfast/platform"
)

// Mark begins the names under which sockets of ours are kept. What comes back with it
// and is not in the configuration any more is no program's, and is closed.
const Mark = "holdfast."

// Options say which sockets there are to be.
type Options struct {
	Sockets []platform.Socket
	Handed  []*os.File      // what the manager has handed over; Open takes them over
	Keeper  platform.Keeper // who keeps sockets; nil: nobody does
	Ready   <-chan struct{} // closed when the service is ready: nothing is accepted before
	Log     *slog.Logger
	// Trial says that this process may have to give way to another version, which knows
	// of nothing that was handed over later: what is new is kept by [Set.Keep] alone.
	Trial bool
}

// Set is the sockets of a service. Its methods may be called by several goroutines; a nil
// Set has none.
type Set struct {
	o Options

	mu     sync.Mutex
	all    []*socket
	closed bool
}

// socket is one of them, open.
type socket struct {
	platform.Socket
	at     platform.SocketAddress
	stream net.Listener   // of tcp and unix
	packet net.PacketConn // of udp
	kept   bool           // by somebody else, too
	known  string         // the name under which it was kept before; empty: none
	taken  bool
	given  *listener // to the program
}

// Open opens sockets, or takes those that were handed over and are as they have to be.
// What else was handed over it has closed and forgotten where there are sockets; where
// there are none it is the program's, and comes back in left, but for what bears the
// Mark. It blocks while an address is held by what the manager has yet to let go, at most
// until ctx ends.
func Open(ctx context.Context, o Options) (s *Set, left []*os.File, err error) {
	s = &Set{o: o}
	var handed []*os.File
	for _, f := range o.Handed {
		if len(o.Sockets) == 0 && !strings.HasPrefix(f.Name(), Mark) {
			left = append(left, f)
			continue
		}
		handed = append(handed, f)
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	var missing []*socket
	for _, config := range o.Sockets {
		at, err := config.Address()
		if err != nil {
			return s, left, fmt.Errorf("socket %q: %w", config.Name, err)
		}
		x := &socket{Socket: config, at: at}
		s.all = append(s.all, x)
		if handed, err = s.takeBack(x, handed); err != nil {
			return s, left, x.failed(err)
		}
		if !x.open() {
			missing = append(missing, x)
		}
	}
	for _, x := range missing {
		if handed, err = s.create(ctx, x, handed); err != nil {
			return s, left, x.failed(err)
		}
	}
	s.dismiss(ctx, handed)
	if !o.Trial {
		s.Keep(ctx)
	}
	return s, left, nil
}

func (x *socket) open() bool { return x.stream != nil || x.packet != nil }

func (x *socket) failed(err error) error {
	return fmt.Errorf("socket %q at %s: %w", x.Name, x.at, inUse(x.at, err))
}

// Keep has all sockets kept that are not yet: in a version that was on trial, when it is
// confirmed.
func (s *Set) Keep(ctx context.Context) {
	if s == nil || s.o.Keeper == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Trial = false
	s.keepAll(ctx)
}

// keepAll is Keep under the lock.
func (s *Set) keepAll(ctx context.Context) {
	if s.o.Keeper == nil {
		return
	}
	for _, x := range s.all {
		if x.kept || s.closed {
			continue
		}
		err := x.keep(ctx, s.o.Keeper)
		switch {
		case err == nil:
			x.kept, x.known = true, Mark+x.Name
			s.o.Log.Debug("the socket is kept", "socket", x.Name, "listens", x.address())
		case !errors.Is(err, platform.ErrUnsupported):
			s.o.Log.Warn("the socket is not kept: while the service restarts connections are refused", "socket", x.Name, "error", err)
		}
	}
}

func (x *socket) keep(ctx context.Context, keeper platform.Keeper) error {
	f, err := x.file()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := keeper.Keep(ctx, Mark+x.Name, f); err != nil {
		return err
	}
	if x.known != "" && x.known != Mark+x.Name {
		return keeper.Forget(ctx, x.known)
	}
	return nil
}

// filer is what all sockets of package net are.
type filer interface{ File() (*os.File, error) }

// file is another descriptor of it.
func (x *socket) file() (*os.File, error) {
	var socket any = x.stream
	if x.packet != nil {
		socket = x.packet
	}
	f, ok := socket.(filer)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return f.File()
}

// address is where it listens: with the port that the system has chosen.
func (x *socket) address() string {
	if x.packet != nil {
		return x.packet.LocalAddr().String()
	}
	return x.stream.Addr().String()
}

// Listen is the socket of that name, for connections.
func (s *Set) Listen(name string) (net.Listener, error) {
	s = s.orNone()
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.take(name, "Listen", func(a platform.SocketAddress) bool { return a.Network != "udp" }, "Listen does not take packets: ListenPacket does")
	if err != nil {
		return nil, err
	}
	x.given = newListener(x, s.o.Ready)
	return x.given, nil
}

// ListenPacket is the socket of that name, for packets.
func (s *Set) ListenPacket(name string) (net.PacketConn, error) {
	s = s.orNone()
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.take(name, "ListenPacket", func(a platform.SocketAddress) bool { return a.Network == "udp" }, "ListenPacket takes no connections: Listen does")
	if err != nil {
		return nil, err
	}
	return x.packet, nil
}

func (s *Set) orNone() *Set {
	if s == nil {
		return &Set{}
	}
	return s
}

// ErrNotConfigured means that the program and the configuration do not agree on which
// sockets there are.
var ErrNotConfigured = errors.New("the program and the configuration disagree on sockets")

func (s *Set) take(name, call string, fits func(platform.SocketAddress) bool, instead string) (*socket, error) {
	var names []string
	for _, x := range s.all {
		names = append(names, x.Name)
		switch {
		case x.Name != name:
			continue
		case !fits(x.at):
			return nil, fmt.Errorf("%w: %q listens at %s: %s", ErrNotConfigured, name, x.at, instead)
		case x.taken:
			return nil, fmt.Errorf("%s(%q): the program has taken it already", call, name)
		case s.closed:
			return nil, fmt.Errorf("%s(%q): %w: the service stops", call, name, net.ErrClosed)
		}
		x.taken = true
		return x, nil
	}
	has := "it has no [[service.socket]] at all"
	if len(names) > 0 {
		has = "its [[service.socket]] are " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("%w: the program asks for %q, and the configuration does not name it: %s", ErrNotConfigured, name, has)
}

// Untaken is what is wrong where the configuration names sockets that the program has
// not taken; nil if it has taken all.
func (s *Set) Untaken() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken, rest []string
	for _, x := range s.all {
		if x.taken {
			taken = append(taken, x.Name)
		} else {
			rest = append(rest, x.Name)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	does := "it takes none"
	if len(taken) > 0 {
		does = "it takes " + strings.Join(taken, ", ")
	}
	return fmt.Errorf("%w: the configuration names %s, and the program has not asked for it when it was ready: %s", ErrNotConfigured, strings.Join(rest, ", "), does)
}

// Close accepts nothing any more. What somebody keeps goes on listening.
func (s *Set) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	for _, x := range s.all {
		switch {
		case x.packet != nil:
			_ = x.packet.Close()
		case x.stream != nil:
			if x.given != nil {
				_ = x.given.Close()
			}
			_ = x.stream.Close()
			if file := x.at.File(); file != "" && !x.kept {
				_ = os.Remove(file)
			}
		}
	}
}
