package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A group has the goroutines of Runtime.Go.
type group struct {
	ctx    context.Context
	cancel context.CancelFunc
	failed func(error) // called for each failure

	mu      sync.Mutex
	names   map[*pending]struct{}
	changed chan struct{} // closed and replaced when one ends
}

func newGroup(parent context.Context, failed func(error)) *group {
	ctx, cancel := context.WithCancel(parent)
	return &group{ctx: ctx, cancel: cancel, failed: failed, names: make(map[*pending]struct{}), changed: make(chan struct{})}
}

func (g *group) run(name string, fn func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := newPending("goroutine " + name)
	g.names[p] = struct{}{}
	go func() {
		defer g.ended(p) // also if fn ends its goroutine
		p.run(func() error { return fn(g.ctx) })
	}()
}

// ended notes that p has ended, and reports its failure.
func (g *group) ended(p *pending) {
	// An end because of the cancelled context is no failure.
	if p.err != nil && (g.ctx.Err() == nil || !errors.Is(p.err, context.Canceled)) {
		g.failed(p.prefixed())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.names, p)
	close(g.changed)
	g.changed = make(chan struct{})
}

// wait cancels the goroutines and blocks until all have ended. If ctx ends first, the error
// names those that are still running.
func (g *group) wait(ctx context.Context) error {
	g.cancel()
	for {
		left, changed := g.left()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("still running: %q: %w", left, context.Cause(ctx))
		}
	}
}

// toBeAwaited reports whether goroutines are running that have not been cancelled yet.
func (g *group) toBeAwaited() bool {
	names, _ := g.left()
	return len(names) > 0 && g.ctx.Err() == nil
}

func (g *group) left() (names []string, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range g.names {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names, g.changed
}

// prefixed adds the name of the call to its error. A panic already has it.
func (p *pending) prefixed() error {
	var panicked *PanicError
	if p.err == nil || errors.As(p.err, &panicked) {
		return p.err
	}
	return fmt.Errorf("%s: %w", p.name, p.err)
}
