package sockets

import (
	"net"
	"sync"
	"time"
)

// listener is a socket as the program has it.
type listener struct {
	net.Listener
	network   string
	keepAlive time.Duration
	ready     <-chan struct{}
	closed    chan struct{}
	once      sync.Once
}

func newListener(x *socket, ready <-chan struct{}) *listener {
	return &listener{Listener: x.stream, network: x.at.Network, keepAlive: x.KeepAlive, ready: ready, closed: make(chan struct{})}
}

// Accept waits until the service is ready: whoever connects before that waits in the
// kernel's queue, where no failure of the start loses him.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.ready:
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: l.network, Addr: l.Addr(), Err: net.ErrClosed}
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok || l.keepAlive == 0 {
		return conn, nil
	}
	// It fails for who has gone already, which is for the program to find out.
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: l.keepAlive > 0, Idle: l.keepAlive, Interval: l.keepAlive})
	return conn, nil
}

// Close ends Accept. Where somebody keeps the socket it goes on listening.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
