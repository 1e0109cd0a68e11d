package metrics

import (
	"context"
	"fmt"
	"net"
)

// listen listens at a. It checks the resulting address, because a name such as localhost may
// not be a loopback address.
func (s *settings) listen(ctx context.Context, a address) (net.Listener, error) {
	if a.network == "unix" {
		m, err := mode(s.SocketMode)
		if err != nil {
			return nil, err
		}
		return listenUnix(ctx, a.at, m)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.at)
	if err != nil {
		return nil, err
	}
	if at, ok := l.Addr().(*net.TCPAddr); !s.AllowRemote && !(ok && at.IP.IsLoopback()) {
		_ = l.Close()
		return nil, fmt.Errorf("%s is %s here, which can be reached from other machines: set allow_remote = true, or use another address", a.at, l.Addr())
	}
	return l, nil
}
