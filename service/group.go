package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// group is the goroutines that the program handed to Runtime.Go.
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

// ended notes that p is over and why.
func (g *group) ended(p *pending) {
	// That it ended because it was told to is no failure.
	if p.err != nil && (g.ctx.Err() == nil || !errors.Is(p.err, context.Canceled)) {
		g.failed(p.prefixed())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.names, p)
	close(g.changed)
	g.changed = make(chan struct{})
}

// wait cancels all of them and returns when they have ended, or names those
// that have not when ctx ends.
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

// toBeAwaited reports whether there are goroutines that have not yet been told
// to end.
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

// prefixed names the call in its error; a panic names it already.
func (p *pending) prefixed() error {
	var panicked *PanicError
	if p.err == nil || errors.As(p.err, &panicked) {
		return p.err
	}
	return fmt.Errorf("%s: %w", p.name, p.err)
}
