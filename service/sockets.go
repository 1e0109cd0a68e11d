package service

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
)

// Listen returns the tcp or unix socket with that name in [[service.socket]]. holdfast opens
// it before it calls [Program.Start]. If the manager or holdfast's supervisor keeps sockets,
// the socket has been open since an earlier process of the service opened it, and connections
// made since then wait in its queue.
//
// Accept blocks until the service is ready. A Start must therefore not wait for an answer at
// its own socket. After the program has closed the listener, or after Stop has returned,
// Accept returns [net.ErrClosed], but a kept socket continues to listen for the next process.
// A Stop should close the listener first and then finish the requests under way. A reload may
// move the listener to another address: Addr then returns the new one.
//
// A program must take each socket exactly once, before it is ready. If the configuration has
// no socket with that name, or if a socket of the configuration is not taken, the start fails
// with an error that wraps [ErrConfig].
func (rt *Runtime) Listen(name string) (net.Listener, error) {
	l, err := rt.l.sockets().Listen(name)
	return l, asConfig(err)
}

// ListenPacket returns the udp socket with that name, as [Runtime.Listen] does for tcp and
// unix. Its type is [*net.UDPConn]. It can be read before the service is ready. A Stop should
// end its reads by SetReadDeadline and answer what was read: what arrives later waits for the
// next process, if somebody keeps the socket.
func (rt *Runtime) ListenPacket(name string) (net.PacketConn, error) {
	c, err := rt.l.sockets().ListenPacket(name)
	return c, asConfig(err)
}

func asConfig(err error) error {
	if errors.Is(err, sockets.ErrNotConfigured) {
		return badConfig(err)
	}
	return err
}

// sockets returns the sockets of the life, or nil before they are open.
func (l *life) sockets() *sockets.Set { return l.listens.Load() }

// listenAll opens the sockets of the configuration, or takes those that the manager has kept.
func (l *life) listenAll(ctx context.Context) error {
	keeper, _ := l.host.(platform.Keeper)
	set, left, err := sockets.Open(ctx, sockets.Options{
		Sockets: l.sites, Handed: l.takeKept(ctx), Keeper: keeper, Ready: l.served, Log: l.log, Trial: l.trial != nil,
	})
	l.listens.Store(set)
	l.files = left
	l.noteSockets()
	return err
}

// noteSockets writes to the state file which sockets are open, and who keeps them.
func (l *life) noteSockets() {
	keeper := "supervisor"
	if l.host.Name() == "systemd" {
		keeper = "systemd"
	}
	var all []state.Socket
	for _, x := range l.sockets().List() {
		s := state.Socket{Name: x.Name, Listen: x.Listen.String(), Address: x.Address}
		if x.Kept {
			s.KeptBy = keeper
		}
		all = append(all, s)
	}
	l.state.update(func(s *State) { s.Sockets = all })
}

// handed returns the descriptors that the manager has passed to the process.
func (l *life) handed() []*os.File {
	if h, ok := l.host.(interface{ Files() []*os.File }); ok {
		return h.Files()
	}
	return nil
}

// socketsTaken reports whether the program has taken all sockets. If not, the life fails.
func (l *life) socketsTaken() bool {
	if l.stopping.Err() != nil {
		return true
	}
	err := l.sockets().Untaken()
	if err != nil {
		l.fail(asConfig(err))
	}
	return err == nil
}
