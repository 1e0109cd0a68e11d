package main

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// drain ends a server so that every accepted connection is answered. Shutdown of net/http
// alone is not enough: it closes a connection unanswered if its first request arrives only
// after Shutdown has begun.
type drain struct{ open sync.WaitGroup }

// note is the server's ConnState.
func (d *drain) note(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		d.open.Done()
	}
}

// end returns when all connections are closed, each after the answer to its request. If ctx
// ends before, it closes the rest. No connection may be accepted any more. A connection
// without a request ends by the server's ReadHeaderTimeout.
func (d *drain) end(ctx context.Context, server *http.Server) error {
	server.SetKeepAlivesEnabled(false) // a connection closes after its answer, and an idle one at once
	over := make(chan struct{})
	go func() { d.open.Wait(); close(over) }()
	select {
	case <-over:
		return server.Shutdown(ctx)
	case <-ctx.Done():
		_ = server.Close()
		return context.Cause(ctx)
	}
}
