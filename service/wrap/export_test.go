package wrap

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"
)

// An Outlet is the output of a command that the test plays.
type Outlet struct {
	Stdout, Stderr *os.File
	out            *output
}

// NewOutlet begins to read what the test writes.
func NewOutlet(o Options, log *slog.Logger, flush func(context.Context) error) (*Outlet, error) {
	out, stdout, stderr, err := newOutput(o, journal{log, flush})
	return &Outlet{stdout, stderr, out}, err
}

// End closes both streams, and waits until all is read, or until limit.
func (o *Outlet) End(limit time.Duration) {
	o.out.begun()
	o.out.finish(limit)
}

// Matched is closed when a line has matched ready.log.
func (o *Outlet) Matched() <-chan struct{} { return o.out.matched }

// Said returns the last lines.
func (o *Outlet) Said() string { return o.out.said() }

// ServeProbes answers probes by HTTP with 200 until the test ends, and returns its address. A
// connection may be open for the time within.
func ServeProbes(t *testing.T, within time.Duration) (address string) {
	t.Helper()
	e, err := listenProbes("127.0.0.1:0", within, func(string) int { return http.StatusOK })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	return e.listener.Addr().String()
}

// ProbesAtOnce is how many connections are open at once.
const ProbesAtOnce = probesAtOnce

// Get makes one HTTP call of a probe.
func Get(ctx context.Context, url string) error { return get(ctx, http.MethodGet, url, 0) }

// MostAhead is how much is logged before the command has to wait.
const MostAhead = mostAhead

// A Notice is a message of sd_notify(3).
type Notice struct {
	Ready, Reloading, Stopping, Alive, Dead bool
	Status, Errno                           string
	Extend, Watchdog                        time.Duration
	Store, Forget, Unwatched                bool
	Name                                    string
	Refused                                 []string
}

// ParseNotice parses a message.
func ParseNotice(text string) Notice {
	n := parseNotice(text)
	return Notice{n.ready, n.reloading, n.stopping, n.alive, n.dead, n.status, n.errno, n.extend, n.watchdog, n.store, n.forget, n.unwatched, n.name, n.refused}
}

// WithoutEscapes removes escape sequences.
func WithoutEscapes(b []byte) []byte { return withoutEscapes(b) }

// Wait returns the delay before a restart.
func (r Restart) Wait(tries int, chance float64) time.Duration { return r.delay(tries, chance) }

// Foreground exports foreground.
var Foreground = foreground

// Unfed returns what health finds if the last WATCHDOG=1 was so long ago.
func Unfed(watchdog, ago time.Duration) error {
	c := &child{}
	p := &Program{child: c}
	p.now.Health.Watchdog = watchdog
	c.watchdog.Store(int64(watchdog))
	c.pinged.Store(time.Now().Add(-ago).UnixNano())
	_, err := p.health(context.Background(), p.now, c)
	return err
}
