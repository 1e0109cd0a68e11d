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

// ErrUnknown means that the caller did not wait for the disk: it is not known whether what
// was to be written is.
var ErrUnknown = errors.New("not known whether it is written")

// op is a change of one caller. do returns its own error only before its first change.
type op struct {
	do    func(Tx) error
	state atomic.Int32 // free, taken or withdrawn
	err   error        // after done
	done  chan struct{}
}

const (
	free int32 = iota
	taken
	withdrawn
)

// No more changes than that are in one commit.
const group = 512

// update has the change made, and returns when it is durable. Callers that come while
// another commit is under way share the next one.
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

// commit is the one goroutine that writes.
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

// idleFor is how long the others are let run without one of them coming, and idleYields
// how often, where time stands still: in a test.
const (
	idleFor    = 50 * time.Microsecond
	idleYields = 1000
)

// gather takes first and who else is there. As many as shared the last commit have just
// been told, and are about to come again: they are let run before a commit begins
// without them, or there would be two groups that take turns, each in commits of its
// own. Nobody is waited for.
func (j *Journal) gather(first *op, last int) []*op {
	ops := []*op{}
	enough := 0 // not known before all that wait are taken
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
			if last > 1 { // who is alone is told and comes again in no time
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
		if p := recover(); p != nil { // bbolt, at a page that was damaged since it was verified
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

// changing knows whether anything was changed.
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
