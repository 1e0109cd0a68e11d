//go:build unix

package sockets

import (
	"context"
	"net"

	"github.com/holdfast-dev/holdfast/platform"
)

// ListenAtFile is where a unix socket stands before its file is given to anybody.
func ListenAtFile(ctx context.Context, s platform.Socket) (net.Listener, error) {
	at, err := s.Address()
	if err != nil {
		return nil, err
	}
	x := &socket{Socket: s, at: at}
	return x.listenAtFile(ctx, x.listenConfig())
}
