package sockets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/holdfast-dev/holdfast/internal/account"
)

// network returns the name of the network in package net. "tcp" and "udp" stand for both
// address families.
func (x *socket) network() string {
	host := x.at.Host
	switch {
	case x.at.Network == "unix":
		return "unix"
	case host.Is4():
		return x.at.Network + "4"
	case x.IPv6Only, host.Is6() && !host.IsUnspecified():
		return x.at.Network + "6"
	}
	return x.at.Network
}

func (x *socket) listenConfig() (c net.ListenConfig) {
	c.Control = func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = x.prepare(fd) })
		return errors.Join(err, failed)
	}
	c.SetMultipathTCP(false) // whose sockets take no filter: see ignoreNew
	return c
}

// listen opens x.
func (x *socket) listen(ctx context.Context) (err error) {
	config := x.listenConfig()
	switch {
	case x.at.Network == "udp":
		x.packet, err = config.ListenPacket(ctx, x.network(), x.at.Dial())
		return err
	case x.at.File() == "":
		x.stream, err = config.Listen(ctx, x.network(), x.at.Dial())
	default:
		x.stream, err = x.listenAtFile(ctx, config)
	}
	if err != nil {
		x.stream = nil
		return err
	}
	if u, ok := x.stream.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	x.bound = newBoundFile(x.at.File())
	if err := x.finish(); err != nil {
		x.bound.remove()
		_ = x.stream.Close()
		x.stream = nil
		return err
	}
	return nil
}

// finish sets the options that an open socket can be given.
func (x *socket) finish() error {
	if file := x.at.File(); file != "" {
		if err := x.own(file); err != nil {
			return err
		}
	}
	return x.setBacklog()
}

func (x *socket) setBacklog() error {
	n := x.Backlog
	if n == 0 {
		n = mostBacklog // it may have been configured before
	}
	if n == 0 {
		return nil
	}
	raw, err := x.stream.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = setBacklog(fd, n) })
	if failed != nil {
		failed = fmt.Errorf("backlog: %w", failed)
	}
	return errors.Join(err, failed)
}

// listenAtFile removes a stale file and listens. The new file is not accessible to others yet.
func (x *socket) listenAtFile(ctx context.Context, config net.ListenConfig) (net.Listener, error) {
	if err := makeWay(ctx, x.at.File()); err != nil {
		return nil, err
	}
	widen := x.narrow()
	defer widen()
	return config.Listen(ctx, "unix", x.at.Path)
}

// own sets the owner, group and mode of the file, in this order, so that it is never more
// accessible than configured.
func (x *socket) own(file string) error {
	uid, gid := -1, -1
	var err error
	if x.Owner != "" {
		if uid, err = account.UID(x.Owner); err != nil {
			return fmt.Errorf("owner: %w", err)
		}
	}
	if x.Group != "" {
		if gid, err = account.GID(x.Group); err != nil {
			return fmt.Errorf("group: %w", err)
		}
	}
	mode, err := x.FileMode()
	if err != nil {
		return fmt.Errorf("mode: %w", err)
	}
	return setOwner(file, uid, gid, mode)
}
