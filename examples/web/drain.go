package main

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// drain ends a server without an accepted connection that is not answered. Shutdown of
// net/http alone is not enough: it closes connections whose first request it comes upon
// when it has begun, unanswered.
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

// end returns when all connections are closed, each after the answer to its request, or
// when ctx ends: then the rest is cut off. Nobody may be accepted any more. A connection
// without a request ends by the server's ReadHeaderTimeout.
func (d *drain) end(ctx context.Context, server *http.Server) error {
	server.SetKeepAlivesEnabled(false) // who is answered is to go, and who waits for nothing goes now
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
