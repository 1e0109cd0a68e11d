package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

var (
	// ErrKnown means that there is work with this idempotency key already.
	ErrKnown = errors.New("work with this key is known")
	// ErrEnded means that the work is not in progress. It may have ended, may have been
	// aborted by hand, or counts as interrupted and may run again elsewhere.
	ErrEnded = errors.New("it is not in progress")
	// ErrTooBig means that parameters and checkpoint have more than MaxPayload bytes.
	ErrTooBig = errors.New("larger than a journal allows")
)

// An Outcome says how work ended: Finished (also the zero value), Failed, Aborted, TimedOut,
// or Interrupted. Interrupted work runs again if it has Work.Rerun.
type Outcome struct {
	State  State
	Reason string
}

// Begin records that w is in progress, and returns when that is durable. If the error wraps
// ErrKnown, the result is the existing entry. The error wraps ErrFull if there is no space. If
// it wraps [ErrUnknown], call Begin again with the same key to learn the result.
func (j *Journal) Begin(ctx context.Context, w Work) (Entry, error) {
	return j.enter(ctx, w, Begun)
}

// Enqueue records w for Next to return. Otherwise it is like Begin.
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

// Checkpoint saves the state for a rerun, in place of the previous one, and returns when that
// is durable.
func (j *Journal) Checkpoint(ctx context.Context, id uint64, state []byte) error {
	return j.change(ctx, "checkpoint of", id, func(e *Entry) error {
		if len(state)+len(e.Params) > MaxPayload {
			return fmt.Errorf("%d bytes: %w", len(state), ErrTooBig)
		}
		e.Checkpoint = state
		return nil
	})
}

// Child records that a process of its own does the work. A later run finds that process alive,
// or asks [Options.Collect] about the outcome.
func (j *Journal) Child(ctx context.Context, id uint64, child proc.Identity) error {
	return j.change(ctx, "child of", id, func(e *Entry) error {
		e.Child = &child
		return nil
	})
}

// Finish records how the work ended, and returns when that is durable. The work does not run
// again then. The error wraps [ErrEnded] if the work has ended before, or counts as
// interrupted.
//
// The outcome Interrupted means that the work was cut off, for example by a kill of its
// process. It counts as a crash, and is otherwise like [Journal.Interrupt].
func (j *Journal) Finish(ctx context.Context, id uint64, how Outcome) error {
	switch how.State {
	case "":
		how.State = Finished
	case Finished, Failed, Aborted, TimedOut:
	case Interrupted:
		return j.cutOff(ctx, id, how.Reason, true)
	default:
		return fmt.Errorf("finish work %d: %q is not an outcome: %w", id, how.State, errors.ErrUnsupported)
	}
	return j.change(ctx, "finish", id, func(e *Entry) error {
		e.State, e.Reason, e.Ended = how.State, how.Reason, time.Now()
		return nil
	})
}

// Retry records that the work failed by itself and continues with its next attempt, and
// returns that attempt when this is durable. The program decides when it begins, and how
// often.
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

// Interrupt records that the work was cut off in order: by the stop of the service, or because
// its worker found it left over. It does not count as a crash. If the work has Work.Rerun,
// Next returns it, in this run or a later one.
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

// interrupt marks e as interrupted, and queues its rerun or sets it aside.
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

// change changes work that is in progress.
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
