package sockets

import (
	"net"
	"sync"
	"time"
)

// A listener is a socket as the program has it. A reload may replace the socket.
type listener struct {
	network string
	ready   <-chan struct{}
	closed  chan struct{}
	once    sync.Once

	mu        sync.Mutex
	socket    net.Listener
	waiting   []net.Conn // accepted at a socket that was replaced
	keepAlive time.Duration
}

func newListener(x *socket, ready <-chan struct{}) *listener {
	return &listener{socket: x.stream, network: x.at.Network, keepAlive: x.KeepAlive, ready: ready, closed: make(chan struct{})}
}

// Accept waits until the service is ready. Until then, connections wait in the kernel's
// queue, where a failed start does not lose them.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.ready:
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: l.network, Addr: l.Addr(), Err: net.ErrClosed}
	}
	for {
		socket, conn := l.next()
		if conn != nil {
			return l.prepared(conn), nil
		}
		conn, err := socket.Accept()
		if err == nil {
			return l.prepared(conn), nil
		}
		if now, _ := l.peek(); now == socket {
			return nil, err
		}
	}
}

// next returns a connection that waits already, or the socket at which to accept one.
func (l *listener) next() (net.Listener, net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return l.socket, nil
	}
	conn := l.waiting[0]
	l.waiting = l.waiting[1:]
	return l.socket, conn
}

func (l *listener) peek() (net.Listener, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.socket, l.keepAlive
}

// prepared sets the keep-alive of a connection.
func (l *listener) prepared(conn net.Conn) net.Conn {
	_, keepAlive := l.peek()
	if tcp, ok := conn.(*net.TCPConn); ok && keepAlive != 0 {
		// It fails if the peer has gone already, which the program finds out.
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: keepAlive > 0, Idle: keepAlive, Interval: keepAlive})
	}
	return conn
}

func (l *listener) setKeepAlive(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keepAlive = d
}

// replace makes Accept continue at another socket, unless the program has closed the listener. The
// caller closes the old socket. last reports whether nobody else has that.
func (l *listener) replace(socket net.Listener, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed() {
		return
	}
	l.waiting = append(l.waiting, rest(l.socket, last)...)
	l.socket = socket
}

func (l *listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// Addr returns the address at which it listens now.
func (l *listener) Addr() net.Addr {
	socket, _ := l.peek()
	return socket.Addr()
}

// Close ends Accept. If somebody keeps the socket, the socket continues to listen.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.waiting {
		_ = conn.Close()
	}
	l.waiting = nil
	return l.socket.Close()
}
