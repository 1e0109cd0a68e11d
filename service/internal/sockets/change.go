package sockets

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// A Change is a new configuration of sockets that a program has taken. The new sockets are
// open, and the old ones still serve, until Commit or Rollback ends one or the other.
type Change struct {
	s       *Set
	changed []changed
}

type changed struct{ old, fresh *socket }

// Change opens the sockets of a new configuration whose address, or anything else, has
// changed. It returns nil if a running program cannot take the configuration: if there are
// other names, or if a socket for packets has changed, which the program holds itself. If a
// new socket cannot be opened, none is, and the error says why.
func (s *Set) Change(ctx context.Context, config []platform.Socket) (c *Change, err error) {
	s = s.orNone()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(config) != len(s.all) || s.closed {
		return nil, nil
	}
	c = &Change{s: s}
	for _, now := range config {
		old := s.named(now.Name)
		at, err := now.Address()
		switch {
		case old == nil || err != nil:
			return nil, nil //nolint:nilerr // the configuration was checked
		case old.Socket == now:
		case old.packet != nil || at.Network == "udp", old.ofUnit():
			return nil, nil
		default:
			c.changed = append(c.changed, changed{old, &socket{Socket: now, at: at}})
		}
	}
	for i, x := range c.changed {
		if x.old.at == x.fresh.at && x.old.sameButOwner(x.fresh) {
			continue // the socket itself stays
		}
		if err := x.fresh.listen(ctx); err != nil {
			(&Change{s, c.changed[:i]}).close()
			return nil, x.fresh.failed(err)
		}
	}
	return c, nil
}

// ofUnit reports whether a socket unit of the manager has opened the socket.
func (x *socket) ofUnit() bool { return x.known != "" && !strings.HasPrefix(x.known, Mark) }

func (s *Set) named(name string) *socket {
	for _, x := range s.all {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// sameButOwner reports whether x and y differ only in what an open socket can be given.
func (x *socket) sameButOwner(y *socket) bool {
	a, b := x.Socket, y.Socket
	for _, s := range []*platform.Socket{&a, &b} {
		s.Backlog, s.KeepAlive, s.Mode, s.Owner, s.Group, s.Listen = 0, 0, "", "", "", ""
	}
	return a == b
}

// Rollback closes the new sockets. It may be called for a nil Change.
func (c *Change) Rollback() {
	if c == nil {
		return
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.close()
}

func (c *Change) close() {
	for _, x := range c.changed {
		if x.fresh.stream == nil {
			continue
		}
		x.fresh.bound.remove()
		_ = x.fresh.stream.Close()
	}
}

// Commit makes the program's listeners accept at the new sockets, and closes the old ones.
// Connections that wait at an old socket are accepted first. The errors are those of
// settings that could not be changed.
func (c *Change) Commit(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for _, x := range c.changed {
		old, before := x.old, *x.old
		old.Socket, old.at = x.fresh.Socket, x.fresh.at
		if old.given != nil {
			old.given.setKeepAlive(old.KeepAlive)
		}
		if x.fresh.stream == nil {
			if err := old.finish(); err != nil {
				return fmt.Errorf("socket %q: %w", old.Name, err)
			}
			continue
		}
		old.stream, old.bound, old.kept, old.known = x.fresh.stream, x.fresh.bound, false, ""
		if old.given != nil {
			old.given.replace(old.stream)
		}
		before.bound.remove()
		_ = before.stream.Close()
		c.s.o.Log.Info("the socket listens at another address", "socket", old.Name, "listens", old.at.String(), "before", before.at.String())
		if before.kept && c.s.o.Keeper != nil {
			if err := c.s.o.Keeper.Forget(ctx, before.known); err != nil {
				c.s.o.Log.Warn("the old socket stays open, as the manager was not told", "socket", old.Name, "error", err)
			}
		}
	}
	if !c.s.o.Trial {
		c.s.keepAll(ctx)
	}
	return nil
}

// rest returns the connections that wait at a socket, which is about to be closed.
func rest(l net.Listener) (waiting []net.Conn) {
	for _, f := range acceptWaiting(l) {
		conn, err := net.FileConn(f)
		_ = f.Close()
		if err == nil {
			waiting = append(waiting, conn)
		}
	}
	return waiting
}
