package etcd_test

import (
	"testing"
	"time"
)

// Etcd counts pings on a connection without a request under way as an attack, and closes it
// after the fourth. Of the connections to three members, a candidate that waits uses at most
// two. Pings are ten seconds apart at least.
func TestIdleConnectionsStayOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	members := cluster(t, 3)
	oa, _ := options("a", members)
	oa.Dialer.Endpoints, oa.Dialer.Patience = nil, 10*time.Second
	var proxies []*proxy
	for _, m := range members {
		p := newProxy(t, m.Client)
		proxies = append(proxies, p)
		oa.Dialer.Endpoints = append(oa.Dialer.Endpoints, p.url())
	}
	lead(t, elector(t, oa))
	for begin := time.Now(); time.Since(begin) < 55*time.Second; time.Sleep(time.Second) {
		for i, p := range proxies {
			if n := p.accepted(); n > 1 {
				t.Fatalf("after %v, the connection to member %d was made %d times", time.Since(begin), i, n)
			}
		}
	}
}
