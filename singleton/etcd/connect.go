package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// A Dialer connects to etcd.
type Dialer struct {
	Endpoints      []string    // required
	TLS            *tls.Config // nil: without TLS
	User, Password string
	// Patience is how long the dialer waits for an answer; 5 s by default.
	Patience time.Duration

	extra []grpc.DialOption // of tests

	mu        sync.Mutex
	handshake error
}

// Connect returns a client. It waits for etcd only if there is a user.
func (d *Dialer) Connect(ctx context.Context) (*clientv3.Client, error) {
	patience := d.Patience
	if patience == 0 {
		patience = 5 * time.Second
	}
	c := clientv3.Config{
		Endpoints: d.Endpoints, Username: d.User, Password: d.Password, TLS: d.TLS,
		DialTimeout: patience, DialKeepAliveTime: patience, DialKeepAliveTimeout: patience,
		Logger:          zap.NewNop(), // what matters comes back as an error
		MaxUnaryRetries: 3,
	}
	c.DialOptions = append(c.DialOptions, d.extra...)
	if d.TLS != nil {
		c.DialOptions = append(c.DialOptions, grpc.WithTransportCredentials(&handshakes{credentials.NewTLS(d.TLS), d}))
	}
	client, err := clientv3.New(c)
	if err == nil && ctx.Err() != nil {
		_ = client.Close()
		return nil, context.Cause(ctx)
	}
	return client, err
}

// Handshake returns the error of the last TLS handshake, which the client does not tell, or nil
// if etcd has answered since.
func (d *Dialer) Handshake() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.handshake
}

func (d *Dialer) shook(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handshake = err
}

// handshakes are TLS credentials that keep the error of the last handshake.
type handshakes struct {
	credentials.TransportCredentials
	d *Dialer
}

func (h *handshakes) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := h.TransportCredentials.ClientHandshake(ctx, authority, conn)
	if err != nil {
		h.d.shook(err)
		return conn, info, err
	}
	return &answering{Conn: conn, d: h.d}, info, nil
}

func (h *handshakes) Clone() credentials.TransportCredentials {
	return &handshakes{h.TransportCredentials.Clone(), h.d}
}

// An answering connection knows whether etcd has accepted the client's certificate. With TLS
// 1.3 it says so, or refuses, only after the handshake.
type answering struct {
	net.Conn
	d      *Dialer
	judged atomic.Bool
}

func (a *answering) Read(b []byte) (int, error) {
	n, err := a.Conn.Read(b)
	var op *net.OpError
	switch {
	case a.judged.Load():
	case n > 0:
		a.judged.Store(true)
		a.d.shook(nil)
	case errors.As(err, &op) && op.Op == "remote error": // an alert of crypto/tls
		a.judged.Store(true)
		a.d.shook(err)
	}
	return n, err
}
