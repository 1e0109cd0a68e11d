package metrics

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// Remembered exports remembered.
func Remembered(read func() int) func() int { return remembered(read) }

// ListenUnix is listenUnix with the mode 0640.
func ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	return listenUnix(ctx, path, 0o640)
}

// Limits exports limits.
type Limits struct {
	Connections, Scrapes   int
	Request, Scrape, Write time.Duration
}

// A Played is an endpoint of a service that the test plays.
type Played struct {
	e *endpoint
}

// Play returns an endpoint at a free port of the loopback.
func Play(now func() state.State, watchdog time.Duration, l Limits, g prometheus.Gatherer) (*Played, error) {
	o := defaults()
	o.Listen = "127.0.0.1:0"
	s := &source{id: "feedd", watchdog: watchdog, log: slog.New(slog.DiscardHandler), state: now, work: func() *recovery.Work { return nil }, alarms: func() alarm.Counts { return alarm.Counts{} }}
	e, err := newEndpoint(s, o, g, limits{connections: l.Connections, scrapes: l.Scrapes, request: l.Request, scrape: l.Scrape, write: l.Write, idle: time.Minute})
	if err != nil {
		return nil, err
	}
	return &Played{e}, e.open(context.Background())
}

// Addr returns the address.
func (p *Played) Addr() string { return p.e.listener.Addr().String() }

// Handler returns the handler.
func (p *Played) Handler() http.Handler { return p.e.server.Handler }

// Serve answers until ctx ends.
func (p *Played) Serve(ctx context.Context) { p.e.serve(ctx) }

// End ends the endpoint.
func (p *Played) End(ctx context.Context) { p.e.end(ctx) }

// Collect returns the number of metrics of a service with that state and last run.
func Collect(now state.State, last recovery.LastRun, w *recovery.Work) (int, error) {
	s := &source{id: "feedd", log: slog.New(slog.DiscardHandler), state: func() state.State { return now }, last: last, work: func() *recovery.Work { return w }, alarms: func() alarm.Counts { return alarm.Counts{} }}
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(newCollector(s)); err != nil {
		return 0, err
	}
	families, err := r.Gather()
	return len(families), errors.Join(err)
}
