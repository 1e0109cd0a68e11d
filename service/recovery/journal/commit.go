package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

// ErrUnknown means that the caller stopped waiting for the disk, so it is not known whether
// the change was written.
var ErrUnknown = errors.New("it is unknown whether it is written")

// An op is a change by one caller. do may return an error of its own only before its first
// change.
type op struct {
	do    func(Tx) error
	state atomic.Int32 // free, taken or withdrawn
	err   error        // valid after done is closed
	done  chan struct{}
}

const (
	free int32 = iota
	taken
	withdrawn
)

// group limits the number of changes in one commit.
const group = 512

// update makes the change, and returns when it is durable. Callers that arrive during a commit
// share the next one.
func (j *Journal) update(ctx context.Context, do func(Tx) error) error {
	if j.refused != nil {
		return j.refused
	}
	o := &op{do: do, done: make(chan struct{})}
	select {
	case j.ops <- o:
	case <-j.quit:
		return os.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		if o.state.CompareAndSwap(free, withdrawn) {
			return context.Cause(ctx)
		}
	}
	select {
	case <-o.done:
		return o.err
	default:
		return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	}
}

// commit runs in the only goroutine that writes.
func (j *Journal) commit() {
	last := 0
	for {
		select {
		case <-j.quit:
			return
		case o := <-j.ops:
			ops := j.gather(o, last)
			last = len(ops)
			j.write(ops)
		}
	}
}

const (
	// idleFor limits how long gather yields to other goroutines without a new op, and
	// idleYields how often it does so in a test in which time stands still.
	idleFor    = 50 * time.Microsecond
	idleYields = 1000
)

// gather returns first and the other ops that are waiting. The callers that shared the last
// commit have just been answered and are about to return with more. gather lets them run
// before it begins a commit without them. Otherwise two groups would take turns, each with
// commits of its own. gather only yields and never blocks for a caller.
func (j *Journal) gather(first *op, last int) []*op {
	ops := []*op{}
	enough := 0 // 0: unknown until all waiting ops are taken
	var idle time.Time
	for o, yields := first, 0; ; yields++ {
		if o != nil && o.state.CompareAndSwap(free, taken) {
			ops, idle, yields = append(ops, o), time.Time{}, 0
		}
		if len(ops) == group {
			return ops
		}
		select {
		case o = <-j.ops:
			continue
		default:
			o = nil
		}
		if enough == 0 {
			enough = len(ops)
			if last > 1 { // a single caller returns at once
				enough += last
			}
		}
		switch {
		case len(ops) >= enough:
			return ops
		case idle.IsZero():
			idle = time.Now()
		case time.Since(idle) > idleFor, yields > idleYields:
			return ops
		}
		runtime.Gosched()
	}
}

func (j *Journal) write(ops []*op) {
	if len(ops) == 0 {
		return
	}
	err := j.transact(ops)
	j.unsaid.Store(true)
	for _, o := range ops {
		if err != nil {
			o.err = err
		}
		close(o.done)
	}
}

func (j *Journal) transact(ops []*op) (err error) {
	defer func() {
		if p := recover(); p != nil { // by bbolt, because a page was damaged since it was verified
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return j.store.Update(func(tx Tx) error {
		term, err := getNumber(tx, metaTerm)
		if err == nil && term != j.term {
			err = ErrSuperseded
		}
		if err != nil {
			return err
		}
		for _, o := range ops {
			watched := &changing{Tx: tx}
			o.err = o.do(watched)
			if o.err != nil && watched.any {
				return o.err
			}
		}
		return nil
	})
}

// A changing is a Tx that records whether anything was changed.
type changing struct {
	Tx
	any bool
}

func (c *changing) Put(bucket string, key, value []byte) error {
	c.any = true
	return c.Tx.Put(bucket, key, value)
}

func (c *changing) Delete(bucket string, key []byte) error {
	c.any = true
	return c.Tx.Delete(bucket, key)
}
