// Package reload is a gate in front of a program's reload.
//
// Anybody may ask for a reload at any time: a signal handler before the
// program is ready, ten operators at once, a manager while another reload
// runs. The gate holds requests until it is opened, joins those that wait into
// one reload, runs reloads one at a time, and gives each requester the outcome
// of a reload that started after the request was made. Once closed it answers
// [ErrStopping] to those who still wait and to all who come later.
//
// Limits: the gate knows nothing of signals, files or managers, and keeps no
// history beyond the counters in [Stats]. It uses the standard library only
// and behaves the same on every platform.
package reload

import (
	"context"
	"errors"
	"sync/atomic"
)

// ErrStopping is the outcome of a request that the gate will not serve any
// more because the program is stopping.
var ErrStopping = errors.New("not reloaded: the service is stopping")

// Gate holds, joins and serves requests for a reload. Make one with [New]. Its
// methods may be called by any goroutine.
type Gate struct {
	// pending is what the next reload will answer: nil when nobody waits,
	// refused for ever once the gate is closed. Who finds a ticket here may
	// share it: a reload takes the ticket out before it starts, so whatever it
	// answers starts later than the request that found it.
	pending atomic.Pointer[Ticket]
	refused *Ticket
	wake    chan struct{} // holds one token when pending may have work
	opened  chan struct{}
	isOpen  atomic.Bool
	counts  counters
}

type counters struct{ requested, started, completed, failed atomic.Uint64 }

// Stats counts what went through a gate. Requests that are joined count once
// each; a failed reload counts as completed too.
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

// Ticket stands for one reload that has yet to start. Requests that wait
// together share it.
type Ticket struct {
	done chan struct{}
	err  error // written before done is closed
}

func (t *Ticket) finish(err error) {
	t.err = err
	close(t.done)
}

// Done is closed when the outcome is known.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Err is the outcome: nil for a reload that succeeded. It blocks until Done.
func (t *Ticket) Err() error {
	<-t.done
	return t.err
}

// Wait returns the outcome, or the cause of ctx's end if that comes first; the
// reload goes on in that case.
func (t *Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Request asks for a reload that starts after this call began, and never
// blocks. While a request already waits it allocates nothing.
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

// Reload asks for a reload and waits for its outcome.
func (g *Gate) Reload(ctx context.Context) error { return g.Request().Wait(ctx) }

// Open lets requests through, also those held until now. Further calls, and
// calls after Close, do nothing.
func (g *Gate) Open() {
	if g.isOpen.CompareAndSwap(false, true) {
		close(g.opened)
	}
}

// Close refuses those who wait and all who come. It does not wait for a reload
// that runs already: end the context of [Gate.Serve] and wait for it to return.
func (g *Gate) Close() {
	if t := g.pending.Swap(g.refused); t != nil && t != g.refused {
		t.finish(ErrStopping)
	}
}

// Serve runs reload once for the requests that have gathered, then again while
// there are more, until ctx ends; then it closes the gate and returns. The
// context that reload gets ends with ctx. Call it once, in a goroutine of its
// own. A panic of reload is not caught here.
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

// Stats returns the counters. Read one by one, they can be apart by what
// happens meanwhile.
func (g *Gate) Stats() Stats {
	return Stats{
		Requested: g.counts.requested.Load(),
		Started:   g.counts.started.Load(),
		Completed: g.counts.completed.Load(),
		Failed:    g.counts.failed.Load(),
	}
}

// take removes the waiting ticket: from here on, requests get a new one.
func (g *Gate) take() *Ticket {
	t := g.pending.Load()
	if t == nil || t == g.refused || !g.pending.CompareAndSwap(t, nil) {
		return nil // only Close can have come between
	}
	return t
}

func (g *Gate) nudge() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
