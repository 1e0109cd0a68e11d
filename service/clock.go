package service

import (
	"context"
	"sync"
	"time"
)

// clocks holds the time limits that are running. Progress restarts all of them with their full
// length.
type clocks struct {
	mu      sync.Mutex
	running map[*clock]struct{}
}

// A clock is one time limit. Its context ends with ErrOverrun when the time is up.
type clock struct {
	ctx    context.Context
	length time.Duration
	end    time.Time
	timer  *time.Timer
	cancel context.CancelCauseFunc
	all    *clocks
}

// start starts a clock of length d. Its context also ends with parent. The caller must call
// stop.
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

// left returns the time until the limit.
func (k *clock) left() time.Duration {
	k.all.mu.Lock()
	defer k.all.mu.Unlock()
	return time.Until(k.end)
}

// windUp restarts every running clock with its full length, and returns the longest length, or
// 0 if no clock runs.
func (c *clocks) windUp() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var longest time.Duration
	for k := range c.running {
		if k.timer.Stop() { // a clock that has expired stays so
			k.timer.Reset(k.length)
			k.end = time.Now().Add(k.length)
			longest = max(longest, k.length)
		}
	}
	return longest
}
