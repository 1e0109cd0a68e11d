package service

import (
	"context"
	"fmt"
	"runtime/debug"
)

// protect runs fn and turns a panic into a [*PanicError]. It does not stop runtime.Goexit,
// which ends the goroutine.
func protect(name string, fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{In: name, Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}

// A pending is a call that has begun and may still run.
type pending struct {
	name string
	done chan struct{}
	err  error // valid after done is closed
}

// begin runs fn in a new goroutine.
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

// wait returns the result of the call. If ctx ends first, wait returns its cause, and the call
// continues unattended.
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
