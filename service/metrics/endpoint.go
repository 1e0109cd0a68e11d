package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// limits restricts the resources of one client and of all clients together.
type limits struct {
	connections int           // further ones wait to be accepted
	scrapes     int           // concurrent; further ones get a 503
	request     time.Duration // for reading it
	scrape      time.Duration // for producing it
	write       time.Duration // for the client to read the answer
	idle        time.Duration // between two requests
}

// usual returns the limits of a service. Scrapes end before Prometheus gives up, after 10 s.
func usual() limits {
	return limits{connections: 32, scrapes: 4, request: 5 * time.Second, scrape: 9 * time.Second, write: 15 * time.Second, idle: time.Minute}
}

const mostHeaders = 16 << 10

// The pause between two attempts to listen doubles from retryFirst to retryMax.
const (
	retryFirst = time.Second
	retryMax   = 30 * time.Second
)

// An endpoint is the listener with its HTTP server.
type endpoint struct {
	*source
	where    address
	settings *settings
	server   *http.Server
	slots    chan struct{} // one token for each open connection

	mu       sync.Mutex
	listener net.Listener // nil: not listening
	over     bool
}

func newEndpoint(s *source, o *settings, g prometheus.Gatherer, l limits) (*endpoint, error) {
	where, err := o.address()
	if err != nil {
		return nil, err
	}
	e := &endpoint{source: s, where: where, settings: o, slots: make(chan struct{}, l.connections)}
	quiet := slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorLog: quiet, ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true,
		MaxRequestsInFlight: l.scrapes, Timeout: l.scrape,
	}))
	mux.HandleFunc("GET /livez", s.answerer((*source).live))
	mux.HandleFunc("GET /healthz", s.answerer((*source).healthy))
	mux.HandleFunc("GET /readyz", s.answerer((*source).ready))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "%s: /metrics /livez /healthz /readyz\n", s.id)
	})
	e.server = &http.Server{
		Handler: e.closing(mux), ErrorLog: quiet,
		ReadHeaderTimeout: l.request, ReadTimeout: l.request, WriteTimeout: l.write, IdleTimeout: l.idle,
		MaxHeaderBytes: mostHeaders,
	}
	return e, nil
}

// closing refuses requests with a body, since no handler reads one. It closes connections
// after their request while more than half of them are in use.
func (e *endpoint) closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(e.slots) > cap(e.slots)/2 {
			w.Header().Set("Connection", "close")
		}
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			http.Error(w, "requests must have no body", http.StatusBadRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// open begins to listen.
func (e *endpoint) open(ctx context.Context) error {
	l, err := e.settings.listen(ctx, e.where)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return errors.Join(net.ErrClosed, l.Close())
	}
	e.listener = l
	at := l.Addr().String()
	if e.where.network == "unix" {
		at = e.where.String()
	}
	e.log.Info("metrics are served", "listen", at)
	return nil
}

// serve answers requests until ctx ends. It tries to listen until it succeeds.
func (e *endpoint) serve(ctx context.Context) {
	pause, told := retryFirst, false
	for ctx.Err() == nil {
		e.mu.Lock()
		l := e.listener
		e.mu.Unlock()
		var err error
		if l == nil {
			err = e.open(ctx)
		} else {
			pause, told = retryFirst, false
			err = e.server.Serve(newLimited(l, e.slots)) // closes l
			e.mu.Lock()
			e.listener = nil
			e.mu.Unlock()
		}
		if err == nil || ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
			continue
		}
		if !told {
			e.log.Error("metrics cannot be served: trying again until they can be", "listen", e.where.String(), "error", err)
			told = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, retryMax)
	}
}

// end ends the server, when ctx ends at the latest. Requests in progress are cut off then.
func (e *endpoint) end(ctx context.Context) {
	e.mu.Lock()
	e.over = true
	l := e.listener
	e.mu.Unlock()
	if l != nil {
		_ = l.Close() // the server may not know it yet
	}
	if e.server.Shutdown(ctx) != nil {
		_ = e.server.Close()
	}
}

// A limited is a listener that allows at most as many open connections as there are slots.
type limited struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}
	once  sync.Once
}

func newLimited(l net.Listener, slots chan struct{}) *limited {
	return &limited{Listener: l, slots: slots, done: make(chan struct{})}
}

// Accept waits for a slot first.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &slotted{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close also makes Accept return.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// A slotted is a connection that frees its slot when it is closed.
type slotted struct {
	net.Conn
	release func()
}

func (c *slotted) Close() error {
	defer c.release()
	return c.Conn.Close()
}
