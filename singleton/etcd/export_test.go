package etcd

import (
	"time"

	"google.golang.org/grpc"
)

// Ahead makes the elector's clock run ahead by what by returns.
func Ahead(o Options, by func() time.Duration) Options {
	clock := bootClock
	o.now = func() (time.Duration, error) {
		now, err := clock()
		return now + by(), err
	}
	return o
}

// Renewing makes a leader renew its term that often, however long its TTL is.
func Renewing(o Options, every time.Duration) Options {
	o.every = every
	return o
}

// ErrFormer is why a renewal does not count.
var ErrFormer = errFormer

// LeaseKey returns the key of a term, and its lease.
func (t *Term) LeaseKey() (key string, lease int64) { return t.c.key, int64(t.c.lease) }

// Dialing adds options to the connections to etcd.
func Dialing(o Options, extra ...grpc.DialOption) Options {
	o.Dialer.extra = extra
	return o
}
