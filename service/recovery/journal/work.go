package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

var (
	// ErrKnown means that work with this idempotency key is known already.
	ErrKnown = errors.New("work with this key is known")
	// ErrEnded means that the work is not under way (any more): it has ended, was aborted by
	// hand, or was taken for interrupted and may run again elsewhere.
	ErrEnded = errors.New("it is not under way")
	// ErrTooBig means that parameters and checkpoint are more than MaxPayload.
	ErrTooBig = errors.New("more than a journal takes")
)

// Outcome is how work ended: Finished (also the zero value), Failed, Aborted, TimedOut, or
// Interrupted, which is what has to be run again if that is opted in.
type Outcome struct {
	State  State
	Reason string
}

// Begin writes down that w is under way, and returns when that is durable. With an error that
// wraps ErrKnown the entry is the one that is known. It fails with ErrFull when there is no room;
// with one that wraps [ErrUnknown] begin it again with the same key to learn what became of it.
func (j *Journal) Begin(ctx context.Context, w Work) (Entry, error) {
	return j.enter(ctx, w, Begun)
}

// Enqueue writes w down to be begun when Next hands it out, and is otherwise Begin.
func (j *Journal) Enqueue(ctx context.Context, w Work) (Entry, error) {
	e, err := j.enter(ctx, w, Queued)
	if err == nil {
		j.nudge()
	}
	return e, err
}

func (j *Journal) enter(ctx context.Context, w Work, state State) (e Entry, err error) {
	if len(w.Params) > MaxPayload {
		return e, fmt.Errorf("begin %q: parameters of %d bytes: %w", w.Kind, len(w.Params), ErrTooBig)
	}
	if j.refused == nil && j.store.Size() > j.o.MaxBytes {
		return e, fmt.Errorf("begin %q: %w", w.Kind, ErrFull)
	}
	err = j.update(ctx, func(tx Tx) error {
		if w.Key != "" {
			b, err := tx.Get(bucketKeys, []byte(w.Key))
			if err != nil {
				return err
			}
			if b != nil {
				if e, err = find(tx, number(b)); err == nil {
					err = ErrKnown
				}
				return err
			}
		}
		var err error
		e = Entry{Work: w, State: state, Attempt: 1}
		if state == Begun {
			e.Begun = time.Now()
		}
		e, err = j.add(tx, e)
		return err
	})
	if err != nil {
		return e, fmt.Errorf("begin %q: %w", w.Kind, err)
	}
	j.lease(e)
	return e, nil
}

// Checkpoint saves what a rerun is to get back, in the place of what was saved before, and
// returns when that is durable.
func (j *Journal) Checkpoint(ctx context.Context, id uint64, state []byte) error {
	return j.change(ctx, "checkpoint of", id, func(e *Entry) error {
		if len(state)+len(e.Params) > MaxPayload {
			return fmt.Errorf("%d bytes: %w", len(state), ErrTooBig)
		}
		e.Checkpoint = state
		return nil
	})
}

// Child writes down that a process of its own does the work: a later run finds it
// alive, or asks [Options.Collect] what became of it.
func (j *Journal) Child(ctx context.Context, id uint64, child proc.Identity) error {
	return j.change(ctx, "child of", id, func(e *Entry) error {
		e.Child = &child
		return nil
	})
}

// Finish writes down how the work ended, and returns when that is durable: it is not run
// again then. The error wraps [ErrEnded] if it has ended before, or counts as interrupted.
//
// Interrupted says that something cut it off, a kill of its process for one, which counts as
// a crash: it is otherwise [Journal.Interrupt].
func (j *Journal) Finish(ctx context.Context, id uint64, how Outcome) error {
	switch how.State {
	case "":
		how.State = Finished
	case Finished, Failed, Aborted, TimedOut:
	case Interrupted:
		return j.cutOff(ctx, id, how.Reason, true)
	default:
		return fmt.Errorf("finish work %d: %q is no outcome: %w", id, how.State, errors.ErrUnsupported)
	}
	return j.change(ctx, "finish", id, func(e *Entry) error {
		e.State, e.Reason, e.Ended = how.State, how.Reason, time.Now()
		return nil
	})
}

// Retry writes down that the work failed by itself and goes on with its next attempt, and
// returns that when it is durable. When it begins, and how often, is the program's.
func (j *Journal) Retry(ctx context.Context, id uint64, reason string) (again Entry, err error) {
	err = j.change(ctx, "retry", id, func(e *Entry) error {
		e.retry(reason)
		again = *e
		return nil
	})
	return again, err
}

func (e *Entry) retry(reason string) {
	e.Attempt++
	e.Failures++
	e.Child, e.Reason = nil, reason
}

// Interrupt writes down that the work was cut off in order: by the stop of the service, or
// because its worker found it as a leftover of its own. It counts as no crash. If it is to
// be rerun, Next hands it out, in this run or a later one.
func (j *Journal) Interrupt(ctx context.Context, id uint64, reason string) error {
	return j.cutOff(ctx, id, reason, false)
}

func (j *Journal) cutOff(ctx context.Context, id uint64, reason string, crash bool) error {
	err := j.changeTx(ctx, "interrupt", id, func(tx Tx, e Entry) error { return j.interrupt(tx, e, reason, crash) })
	if err == nil {
		j.nudge()
	}
	return err
}

// interrupt ends e as interrupted, and queues its rerun or sets it aside.
func (j *Journal) interrupt(tx Tx, e Entry, reason string, crash bool) error {
	e.Reason, e.Ended = reason, time.Now()
	if crash {
		e.Crashes++
	}
	switch {
	case !e.Rerun:
		e.State = Interrupted
	case crash && e.Crashes >= j.o.MaxCrashes:
		e.State = SetAside
	default:
		_, err := j.rerunOf(tx, e, Queued)
		return err
	}
	return j.put(tx, e)
}

// change changes work that is under way.
func (j *Journal) change(ctx context.Context, what string, id uint64, do func(*Entry) error) error {
	return j.changeTx(ctx, what, id, func(tx Tx, e Entry) error {
		if err := do(&e); err != nil {
			return err
		}
		return j.put(tx, e)
	})
}

func (j *Journal) changeTx(ctx context.Context, what string, id uint64, do func(Tx, Entry) error) error {
	seen := j.peek(id)
	err := j.update(ctx, func(tx Tx) error {
		e, err := seen.find(tx, id)
		if err == nil && e.State != Begun {
			err = fmt.Errorf("%w: %s", ErrEnded, e.State)
		}
		if err != nil {
			return err
		}
		return do(tx, e)
	})
	if err != nil {
		return fmt.Errorf("%s work %d: %w", what, id, err)
	}
	return nil
}
