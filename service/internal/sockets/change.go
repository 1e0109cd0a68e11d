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
// Connections that wait at an old socket are accepted first. If a setting of a socket that
// stays open cannot be changed, Commit rolls all back, and the error says why.
func (c *Change) Commit(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.closed {
		c.close()
		return fmt.Errorf("sockets: %w: the service stops", net.ErrClosed)
	}
	for _, x := range c.changed {
		if x.old.given != nil && x.old.given.isClosed() {
			c.close()
			return fmt.Errorf("socket %q: the program has closed it (%w): a restart applies the change", x.old.Name, net.ErrClosed)
		}
	}
	if err := c.adjust(); err != nil {
		c.close()
		return err
	}
	for _, x := range c.changed {
		if x.fresh.stream != nil {
			c.s.move(ctx, x.old, x.fresh)
		}
	}
	if !c.s.o.Trial {
		c.s.keepAll(ctx)
	}
	return nil
}

// adjust changes the settings of sockets that stay open. If one of them fails, the others get
// their old settings back.
func (c *Change) adjust() error {
	for i, x := range c.changed {
		if x.fresh.stream != nil {
			continue
		}
		before := x.old.Socket
		if err := x.old.set(x.fresh.Socket); err != nil {
			_ = x.old.set(before)
			for _, y := range c.changed[:i] {
				if y.fresh.stream == nil {
					_ = y.old.set(y.fresh.Socket)
				}
			}
			return fmt.Errorf("socket %q: %w", x.old.Name, err)
		}
		x.fresh.Socket = before // to be put back
	}
	return nil
}

// set gives an open socket other settings.
func (x *socket) set(s platform.Socket) error {
	x.Socket = s
	if x.given != nil {
		x.given.setKeepAlive(s.KeepAlive)
	}
	return x.finish()
}

// move replaces an open socket by a fresh one, and closes it. The keeper forgets it before it
// stops to accept: nobody then gets a socket that refuses everybody.
func (s *Set) move(ctx context.Context, x, fresh *socket) {
	before := *x
	x.Socket, x.at = fresh.Socket, fresh.at
	x.stream, x.bound, x.kept, x.known = fresh.stream, fresh.bound, false, ""
	s.o.Log.Info("the socket listens at another address", "socket", x.Name, "listens", x.at.String(), "before", before.at.String())
	before.bound.remove()
	last := true
	if before.kept && s.o.Keeper != nil {
		if err := s.o.Keeper.Forget(ctx, before.known); err != nil {
			s.o.Log.Warn("the old socket stays open, because the manager could not be notified", "socket", x.Name, "error", err)
			last = false
		}
	}
	if x.given != nil {
		x.given.setKeepAlive(x.KeepAlive)
		if last {
			if err := ignoreNew(before.stream); err != nil {
				s.o.Log.Info("who connects to the old address at this very moment can be cut off", "socket", x.Name, "error", err)
			}
		}
		x.given.replace(x.stream, last)
	}
	_ = before.stream.Close()
}

// rest returns the connections that wait at a socket, which is about to be closed. last reports
// whether nobody else has the socket.
func rest(l net.Listener, last bool) (waiting []net.Conn) {
	if last {
		refuseNew(l)
	}
	for files := acceptWaiting(l); len(files) > 0; files = acceptWaiting(l) { // some come meanwhile
		for _, f := range files {
			conn, err := net.FileConn(f)
			_ = f.Close()
			if err == nil {
				waiting = append(waiting, conn)
			}
		}
	}
	return waiting
}
