//go:build unix

package sockets

import (
	"context"
	"net"

	"github.com/holdfast-dev/holdfast/platform"
)

// RemoveStale removes a file that was examined before.
var RemoveStale = removeStale

// ListenUnowned listens at a unix socket whose file has not got its owner yet.
func ListenUnowned(ctx context.Context, s platform.Socket) (net.Listener, error) {
	at, err := s.Address()
	if err != nil {
		return nil, err
	}
	x := &socket{Socket: s, at: at}
	return x.listenAtFile(ctx, x.listenConfig())
}
