// Package reload is a gate in front of a program's reload.
//
// Anybody may request a reload at any time: a signal handler before the program is ready, ten
// operators at once, a manager while another reload runs. The gate holds requests until it is
// opened. It joins waiting requests into one reload, and runs one reload at a time. Each
// requester gets the outcome of a reload that started after the request was made. Once the
// gate is closed, all waiting and later requests get [ErrStopping].
//
// Limits: the gate knows nothing of signals, files or managers, and keeps no history beyond
// the counters in [Stats]. It uses the standard library only and behaves the same on every
// platform.
package reload

import (
	"context"
	"errors"
	"sync/atomic"
)

// ErrStopping is the outcome of a request that the gate no longer serves, because the program
// is stopping.
var ErrStopping = errors.New("not reloaded: the service is stopping")

// A Gate holds, joins and serves reload requests. Make one with [New]. Any goroutine may call
// its methods.
type Gate struct {
	// pending is the ticket of the next reload. It is nil if nobody waits, and refused for
	// ever once the gate is closed. A request that finds a ticket here may share it: a reload
	// takes its ticket out before it starts, so it starts later than the request that found
	// the ticket.
	pending atomic.Pointer[Ticket]
	refused *Ticket
	wake    chan struct{} // holds one token when pending may have work
	opened  chan struct{}
	isOpen  atomic.Bool
	counts  counters
}

type counters struct{ requested, started, completed, failed atomic.Uint64 }

// Stats counts what went through a gate. Each joined request counts. A failed reload counts as
// completed too.
type Stats struct {
	Requested, Started, Completed, Failed uint64
}

// New returns a closed gate that holds requests until [Gate.Open].
func New() *Gate {
	g := &Gate{wake: make(chan struct{}, 1), opened: make(chan struct{})}
	g.refused = &Ticket{done: make(chan struct{})}
	g.refused.finish(ErrStopping)
	return g
}

// A Ticket stands for one reload that has not started yet. Requests that wait together share
// it.
type Ticket struct {
	done chan struct{}
	err  error // written before done is closed
}

func (t *Ticket) finish(err error) {
	t.err = err
	close(t.done)
}

// Done returns a channel that is closed when the outcome is known.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Err returns the outcome: nil if the reload succeeded. It blocks until the outcome is known.
func (t *Ticket) Err() error {
	<-t.done
	return t.err
}

// Wait returns the outcome. If ctx ends first, it returns the cause of that, and the reload
// goes on.
func (t *Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Request asks for a reload that starts after this call began. It never blocks. While another
// request waits, it allocates nothing.
func (g *Gate) Request() *Ticket {
	g.counts.requested.Add(1)
	if t := g.pending.Load(); t != nil {
		return t
	}
	fresh := &Ticket{done: make(chan struct{})}
	for {
		if g.pending.CompareAndSwap(nil, fresh) {
			g.nudge()
			return fresh
		}
		if t := g.pending.Load(); t != nil {
			return t
		}
	}
}

// Reload requests a reload and waits for its outcome.
func (g *Gate) Reload(ctx context.Context) error { return g.Request().Wait(ctx) }

// Open lets requests through, including those held until now. Further calls, and calls after
// Close, do nothing.
func (g *Gate) Open() {
	if g.isOpen.CompareAndSwap(false, true) {
		close(g.opened)
	}
}

// Close refuses all waiting and future requests. It does not wait for a reload that already
// runs: for that, end the context of [Gate.Serve] and wait until Serve returns.
func (g *Gate) Close() {
	if t := g.pending.Swap(g.refused); t != nil && t != g.refused {
		t.finish(ErrStopping)
	}
}

// Serve runs reload once for the requests that have gathered, and again while there are more.
// When ctx ends, it closes the gate and returns. The context of reload ends with ctx. Call
// Serve once, in its own goroutine. It does not catch a panic of reload.
func (g *Gate) Serve(ctx context.Context, reload func(context.Context) error) {
	defer g.Close()
	select {
	case <-g.opened:
	case <-ctx.Done():
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.wake:
		}
		if t := g.take(); t != nil && ctx.Err() == nil {
			g.counts.started.Add(1)
			err := reload(ctx)
			if err != nil {
				g.counts.failed.Add(1)
			}
			g.counts.completed.Add(1)
			t.finish(err)
		} else if t != nil {
			t.finish(ErrStopping)
		}
	}
}

// Stats returns the counters. They are read one after the other, so they may differ by what
// happens in between.
func (g *Gate) Stats() Stats {
	return Stats{
		Requested: g.counts.requested.Load(),
		Started:   g.counts.started.Load(),
		Completed: g.counts.completed.Load(),
		Failed:    g.counts.failed.Load(),
	}
}

// take removes the waiting ticket. From then on, requests get a new one.
func (g *Gate) take() *Ticket {
	t := g.pending.Load()
	if t == nil || t == g.refused || !g.pending.CompareAndSwap(t, nil) {
		return nil // only Close can have intervened
	}
	return t
}

func (g *Gate) nudge() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
