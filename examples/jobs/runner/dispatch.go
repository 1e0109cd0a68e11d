package runner

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A room is free capacity for one more run.
type room struct {
	ctx  context.Context      // ends when the room is withdrawn
	give chan<- journal.Entry // receives the run at once; nil: the room is in this process
}

// dispatch runs the work that the journal returns, whenever there is room for it: at workers,
// or in this process while there are no workers, unless it is apart.
func (p *primary) dispatch(context.Context) error {
	defer close(p.dispatchEnded)
	ctx := p.dispatching
	for {
		r, done, err := p.room(ctx)
		if err != nil {
			return nil //nolint:nilerr // the service stops
		}
		t, err := p.journal.Next(r.ctx)
		done()
		switch {
		case errors.Is(err, os.ErrClosed), err != nil && p.journal.Refused() != nil:
			return nil
		case err != nil:
			if r.ctx.Err() == nil {
				p.log.Error("the journal cannot be read: trying again", "error", err)
				pause(ctx, time.Second)
			}
			p.leave(r)
			continue
		}
		p.register.set(t.Entry)
		switch {
		case t.Adopted: // in progress already, so it needs no room
			p.log.Info("a run continues that has outlived the last run of the service", "run", t.ID, "job", t.Kind, "pid", t.Child.PID)
			p.runs.Go(func() { p.perform(t.Entry, t.Child) })
			p.leave(r)
		case r.give != nil:
			r.give <- t.Entry
		default:
			p.runs.Go(func() {
				defer p.leave(r)
				p.perform(t.Entry, nil)
			})
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// leave gives the room back.
func (p *primary) leave(r room) {
	if r.give != nil {
		close(r.give)
		return
	}
	p.permits <- struct{}{}
}

// room waits for room. The caller calls done when it has used the room or does not need it.
func (p *primary) room(ctx context.Context) (r room, done func(), err error) {
	for {
		here := p.permits
		if p.apart || p.workers.any(time.Duration(p.config().Lease)) {
			here = nil
		}
		select {
		case r := <-p.workers.rooms:
			return r, func() {}, nil
		default:
		}
		select {
		case r := <-p.workers.rooms:
			return r, func() {}, nil
		case <-here:
			// An arriving worker takes precedence.
			ctx, cancel := context.WithCancel(ctx)
			p.workers.onArrival(cancel)
			return room{ctx: ctx}, cancel, nil
		case <-time.After(time.Second): // workers may have gone
		case <-ctx.Done():
			return r, nil, context.Cause(ctx)
		}
	}
}

// workers are the known workers.
type workers struct {
	rooms chan room

	mu      sync.Mutex
	seen    map[string]time.Time
	arrived func()
}

func newWorkers() *workers {
	return &workers{rooms: make(chan room), seen: map[string]time.Time{}, arrived: func() {}}
}

// heard notes that a worker is alive.
func (w *workers) heard(name string) (isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.seen[name]
	w.seen[name] = time.Now()
	w.arrived()
	return !known
}

// left forgets a worker.
func (w *workers) left(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.seen, name)
}

// any reports whether there are workers. It forgets those that were silent for longer than
// silent.
func (w *workers) any(silent time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, at := range w.seen {
		if time.Since(at) > silent {
			delete(w.seen, name)
		}
	}
	return len(w.seen) > 0
}

// onArrival sets the function to call when a worker is heard.
func (w *workers) onArrival(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived = fn
}
