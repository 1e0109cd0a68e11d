package service

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
)

// Listen is the socket of [[service.socket]] by that name, for connections: of tcp or
// unix. It is open from before [Program.Start] on, and where the manager keeps it, or
// holdfast's supervisor, it was open all the time since an earlier process of the service
// opened it: who connected meanwhile waits in its queue.
//
// Accept blocks until the service is ready, so a Start that waits for an answer at its
// own socket waits for itself. After Stop, or after the program has closed it, nothing is
// accepted any more, and a socket that is kept goes on listening: close it first in Stop,
// and then finish what is under way.
//
// Each socket is taken once, before the service is ready. A name that the configuration
// does not have is [ErrConfig], and so is a socket of the configuration that nobody takes.
func (rt *Runtime) Listen(name string) (net.Listener, error) {
	l, err := rt.l.sockets().Listen(name)
	return l, asConfig(err)
}

// ListenPacket is [Runtime.Listen] for packets: of udp. It is a [*net.UDPConn], from which
// can be read before the service is ready.
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

// sockets are those of the life; nil before they are open.
func (l *life) sockets() *sockets.Set { return l.listens.Load() }

// listenAll opens the sockets of the configuration, and takes what the manager has kept
// of them. What else it has handed over is left to the program.
func (l *life) listenAll(ctx context.Context) error {
	keeper, _ := l.host.(platform.Keeper)
	set, left, err := sockets.Open(ctx, sockets.Options{
		Sockets: l.cfg.Sockets, Handed: l.handed(), Keeper: keeper, Ready: l.served, Log: l.log, Trial: l.trial != nil,
	})
	l.listens.Store(set)
	l.files = left
	return err
}

// handed are the descriptors that the manager has handed over.
func (l *life) handed() []*os.File {
	if h, ok := l.host.(interface{ Files() []*os.File }); ok {
		return h.Files()
	}
	return nil
}

// socketsTaken fails a life whose program does without a socket of the configuration.
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
