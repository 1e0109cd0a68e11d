package wrap

import (
	"context"
	"log/slog"
	"os"
	"time"
)

// Outlet is the output of a command, played by the test.
type Outlet struct {
	Stdout, Stderr *os.File
	out            *output
}

// NewOutlet begins to read what the test writes.
func NewOutlet(o Options, log *slog.Logger, flush func(context.Context) error) (*Outlet, error) {
	out, stdout, stderr, err := newOutput(o, journal{log, flush})
	return &Outlet{stdout, stderr, out}, err
}

// End closes both, and waits until all is read, or limit.
func (o *Outlet) End(limit time.Duration) {
	o.out.begun()
	o.out.finish(limit)
}

// Said is what was said last.
func (o *Outlet) Said() string { return o.out.said() }

// MostAhead is how much is logged before the log is waited for.
const MostAhead = mostAhead

// Notice is what is understood of a message.
type Notice struct {
	Ready, Reloading, Stopping, Alive, Dead bool
	Status, Errno                           string
	Extend, Watchdog                        time.Duration
	Refused                                 []string
}

// ParseNotice reads a message of sd_notify(3).
func ParseNotice(text string) Notice {
	n := parseNotice(text)
	return Notice{n.ready, n.reloading, n.stopping, n.alive, n.dead, n.status, n.errno, n.extend, n.watchdog, n.refused}
}

// WithoutEscapes takes escape sequences out of a line.
func WithoutEscapes(b []byte) []byte { return withoutEscapes(b) }

// Delay is the wait before a restart.
func (r Restart) Wait(tries int, chance float64) time.Duration { return r.delay(tries, chance) }

// Foreground is how a known program is kept from going to the background.
var Foreground = foreground

// Unfed is what health finds in a command whose last WATCHDOG=1 was so long ago.
func Unfed(watchdog, ago time.Duration) error {
	c := &child{}
	p := &Program{child: c}
	p.now.Health.Watchdog = watchdog
	c.watchdog.Store(int64(watchdog))
	c.pinged.Store(time.Now().Add(-ago).UnixNano())
	_, err := p.health(context.Background(), p.now, c)
	return err
}
