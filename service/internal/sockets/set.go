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

// Mark is the prefix of the names under which sockets are kept. A descriptor with the prefix
// that is no longer in the configuration is closed.
const Mark = "holdfast."

// Options are the arguments of [Open].
type Options struct {
	Sockets []platform.Socket
	Handed  []*os.File      // what the manager has handed over; Open takes them over
	Keeper  platform.Keeper // who keeps sockets; nil: nobody does
	Ready   <-chan struct{} // closed when the service is ready: nothing is accepted before
	Log     *slog.Logger
	// Trial says that another version may replace this one in the same process. That version
	// gets only what the manager has passed to the process, so new sockets must not be kept
	// before the trial is over: see [Set.Keep].
	Trial bool
}

// A Set is the sockets of a service. Its methods may be called by several goroutines, and a
// nil Set has no sockets.
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
	bound  boundFile      // of unix with a file
	kept   bool           // by somebody else, too
	known  string         // the name under which it was kept before; empty: none
	taken  bool
	given  *listener // to the program
}

// Open opens the sockets, or takes those in Handed that match the configuration. It closes
// all other descriptors in Handed and makes the keeper forget them. If Sockets is empty, it
// returns those without the Mark in left instead, for the program. Open blocks while an
// address is in use by a descriptor that the keeper has yet to close, at most until ctx ends.
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

// Keep passes all sockets to the keeper that it does not keep yet. A version that was on
// trial calls it when it is confirmed.
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
			s.o.Log.Warn("the socket is not kept: connections are refused while the service restarts", "socket", x.Name, "error", err)
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

// A filer is a socket of package net.
type filer interface{ File() (*os.File, error) }

// file returns a duplicate of the descriptor.
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

// address returns the address with the port that the system has chosen.
func (x *socket) address() string {
	if x.packet != nil {
		return x.packet.LocalAddr().String()
	}
	return x.stream.Addr().String()
}

// An OpenSocket is a socket of a [Set].
type OpenSocket struct {
	Name, Address string
	Listen        platform.SocketAddress // as it is configured
	Kept          bool                   // by somebody else, too
}

// List returns the sockets in the order of the configuration.
func (s *Set) List() (all []OpenSocket) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.all {
		if x.open() {
			all = append(all, OpenSocket{x.Name, x.at.Network + ":" + x.address(), x.at, x.kept})
		}
	}
	return all
}

// Listen returns the tcp or unix socket with that name.
func (s *Set) Listen(name string) (net.Listener, error) {
	s = s.orNone()
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.take(name, "Listen", func(a platform.SocketAddress) bool { return a.Network != "udp" }, "Listen is not for packets: use ListenPacket")
	if err != nil {
		return nil, err
	}
	x.given = newListener(x, s.o.Ready)
	return x.given, nil
}

// ListenPacket returns the udp socket with that name.
func (s *Set) ListenPacket(name string) (net.PacketConn, error) {
	s = s.orNone()
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.take(name, "ListenPacket", func(a platform.SocketAddress) bool { return a.Network == "udp" }, "ListenPacket is not for connections: use Listen")
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
			return nil, fmt.Errorf("%s(%q): the program has already taken it", call, name)
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
	return nil, fmt.Errorf("%w: the program asks for %q, but the configuration does not name it: %s", ErrNotConfigured, name, has)
}

// Untaken returns an error that names the sockets that the program has not taken, or nil.
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
	return fmt.Errorf("%w: the configuration names %s, but the program had not asked for it when it was ready: %s", ErrNotConfigured, strings.Join(rest, ", "), does)
}

// Close closes all sockets of this process. Those that somebody keeps continue to listen.
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
			if !x.kept {
				x.bound.remove()
			}
			if x.given != nil {
				_ = x.given.Close()
			}
			_ = x.stream.Close()
		}
	}
}
