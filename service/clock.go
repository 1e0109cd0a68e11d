package service

import (
	"context"
	"sync"
	"time"
)

// clocks are the time limits that run at the moment. Real progress winds all of
// them up again, to their full length.
type clocks struct {
	mu      sync.Mutex
	running map[*clock]struct{}
}

// clock is one time limit: its context ends with ErrOverrun when it strikes.
type clock struct {
	ctx    context.Context
	length time.Duration
	end    time.Time
	timer  *time.Timer
	cancel context.CancelCauseFunc
	all    *clocks
}

// start winds up a clock whose context ends with parent at the latest. Whoever
// starts it calls stop.
func (c *clocks) start(parent context.Context, d time.Duration) *clock {
	k := &clock{length: d, end: time.Now().Add(d), all: c}
	k.ctx, k.cancel = context.WithCancelCause(parent)
	k.timer = time.AfterFunc(d, func() { k.cancel(ErrOverrun) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running = make(map[*clock]struct{})
	}
	c.running[k] = struct{}{}
	return k
}

func (k *clock) stop() {
	k.all.mu.Lock()
	delete(k.all.running, k)
	k.all.mu.Unlock()
	k.timer.Stop()
	k.cancel(context.Canceled)
}

// left is the time until it strikes.
func (k *clock) left() time.Duration {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	return time.Until(k.end)
}

// windUp gives every running limit its full length again, from now, and returns
// the longest; 0 if none runs.
func (c *clocks) windUp() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var longest time.Duration
	for k := range c.running {
		if k.timer.Stop() { // what has struck, has struck
			k.timer.Reset(k.length)
			k.end = time.Now().Add(k.length)
			longest = max(longest, k.length)
		}
	}
	return longest
}
