package service

import (
	"context"
	"fmt"
	"runtime/debug"
)

// protect runs fn and turns a panic into a [*PanicError]. A runtime.Goexit ends
// the goroutine and is left alone.
func protect(name string, fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{In: name, Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}

// pending is a call that was begun and may still run.
type pending struct {
	name string
	done chan struct{}
	err  error // after done
}

// begin runs fn in a goroutine of its own.
func begin(name string, fn func() error) *pending {
	p := newPending(name)
	go p.run(fn)
	return p
}

func newPending(name string) *pending { return &pending{name: name, done: make(chan struct{})} }

// run runs fn in the calling goroutine.
func (p *pending) run(fn func() error) {
	defer close(p.done)
	p.err = fmt.Errorf("%s ended its goroutine instead of returning", p.name) // runtime.Goexit
	p.err = protect(p.name, fn)
}

// wait returns what the call returned. When ctx ends first it returns ctx's
// cause; the call then goes on unattended.
func (p *pending) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	default:
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ended reports whether the call has returned.
func (p *pending) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
