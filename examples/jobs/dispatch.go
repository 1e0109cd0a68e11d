package main

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// room is room for one more run.
type room struct {
	ctx  context.Context      // until when there is
	give chan<- journal.Entry // takes one at once; nil: it is here
}

// dispatch has what the journal hands out made, where there is room for it: at workers, and here
// while there are none.
func (p *primary) dispatch(context.Context) error {
	defer close(p.dispatchEnded)
	ctx := p.dispatching
	for {
		r, done, err := p.room(ctx)
		if err != nil {
			return nil //nolint:nilerr // it is to stop
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
		case t.Adopted: // it needs no room: it is under way
			p.log.Info("a run goes on that has outlived the last run of the service", "run", t.ID, "job", t.Kind, "pid", t.Child.PID)
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

// leave gives room back.
func (p *primary) leave(r room) {
	if r.give != nil {
		close(r.give)
		return
	}
	p.permits <- struct{}{}
}

// room waits until there is some. done is to be called when it is used, or not needed.
func (p *primary) room(ctx context.Context) (r room, done func(), err error) {
	for {
		here := p.permits
		if p.workers.any(time.Duration(p.config().Lease)) {
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
			// A worker that comes takes it from us.
			ctx, cancel := context.WithCancel(ctx)
			p.workers.onArrival(cancel)
			return room{ctx: ctx}, cancel, nil
		case <-time.After(time.Second): // workers may have gone
		case <-ctx.Done():
			return r, nil, context.Cause(ctx)
		}
	}
}

// workers are the workers that have been heard of.
type workers struct {
	rooms chan room

	mu      sync.Mutex
	seen    map[string]time.Time
	arrived func()
}

func newWorkers() *workers {
	return &workers{rooms: make(chan room), seen: map[string]time.Time{}, arrived: func() {}}
}

// heard notes that a worker is there.
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

// any reports whether there are workers, and forgets who has been silent for that long.
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

// onArrival has fn called when a worker is heard of.
func (w *workers) onArrival(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived = fn
}
