package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNot means that an operator's request does not fit the state of the work.
var ErrNot = errors.New("not possible")

// visible returns e as people see it: work of an earlier run that no process can still be
// doing is interrupted.
func (j *Journal) visible(e Entry) Entry {
	if j.leftover(e) && e.Lease == 0 {
		alive, err := false, error(nil)
		if e.Child != nil {
			alive, err = e.Child.Alive()
		}
		if !alive && err == nil {
			e.State, e.Reason = Interrupted, cutOff
		}
	}
	return e
}

// List returns the newest limit entries (0: all), the oldest first, without their parameters
// and checkpoints, which Show returns. Entries that are still open are always included. torn
// counts the damaged entries.
func (j *Journal) List(limit int) (all []Entry, torn int, err error) {
	if j.refused != nil {
		return nil, 0, j.refused
	}
	byID := map[uint64]Entry{}
	var lowest uint64
	err = j.store.View(func(tx Tx) error {
		last, err := getNumber(tx, metaLast)
		if err != nil {
			return err
		}
		if limit > 0 && last > uint64(limit) {
			lowest = last - uint64(limit) + 1
		}
		for _, bucket := range []string{bucketOpen, bucketDone} {
			from := key(lowest)
			if bucket == bucketOpen {
				from = nil // open work is always shown
			}
			err := tx.Ascend(bucket, from, func(k, v []byte) bool {
				e, err := decode(number(k), v)
				if err != nil {
					torn++
					return true
				}
				e.Params, e.Checkpoint = nil, nil
				byID[e.ID] = e
				return limit <= 0 || len(byID) < 2*limit
			})
			if err != nil {
				return err
			}
		}
		return tx.Ascend(bucketDamaged, nil, func(_, _ []byte) bool { torn++; return true })
	})
	for _, e := range sorted(byID) {
		all = append(all, j.visible(e))
	}
	return all, torn, err
}

// Show returns a complete entry. The error wraps ErrNone if there is none.
func (j *Journal) Show(id uint64) (e Entry, err error) {
	if j.refused != nil {
		return e, j.refused
	}
	err = j.store.View(func(tx Tx) (err error) {
		e, err = find(tx, id)
		return err
	})
	return j.visible(e), err
}

// Rerun runs work again by hand, whether it has Work.Rerun or not, and returns the entry that
// is queued for it. Interrupted work continues with its key and checkpoint. Work that has
// ended begins anew from its parameters, with a new key.
func (j *Journal) Rerun(ctx context.Context, id uint64) (Entry, error) {
	return j.byHand(ctx, "rerun", id, func(tx Tx, e Entry) (Entry, error) {
		switch e.State {
		case Interrupted, SetAside:
			e.Crashes = 0
			return j.rerunOf(tx, e, Queued)
		case Finished, Failed, Aborted, TimedOut:
			again := Entry{Work: e.Work, State: Queued, Attempt: 1, RerunOf: e.ID}
			again.Key, again.Worker, again.Lease, again.Trigger = "", "", 0, Manual
			return j.add(tx, again)
		case Rerun:
			return e, fmt.Errorf("%w: it was already run again, as %d", ErrNot, e.RerunAs)
		case Queued:
			return e, fmt.Errorf("%w: it is about to be run", ErrNot)
		}
		return e, fmt.Errorf("%w: it is in progress: abort it first", ErrNot)
	})
}

// Release runs work again that was set aside, and resets its count of crashes.
func (j *Journal) Release(ctx context.Context, id uint64) (Entry, error) {
	return j.byHand(ctx, "release", id, func(tx Tx, e Entry) (Entry, error) {
		if e.State != SetAside {
			return e, fmt.Errorf("%w: it is not set aside, but %s", ErrNot, e.State)
		}
		e.Crashes = 0
		return j.rerunOf(tx, e, Queued)
	})
}

// Abort ends work for good, so that it does not run again. If it is in progress,
// [Options.OnAbort] makes the program end it.
func (j *Journal) Abort(ctx context.Context, id uint64) (Entry, error) {
	atWork := false
	e, err := j.byHand(ctx, "abort", id, func(tx Tx, e Entry) (Entry, error) {
		switch e.State {
		case Queued, Begun, Interrupted, SetAside:
		default:
			return e, fmt.Errorf("%w: it has ended: %s", ErrNot, e.State)
		}
		atWork = e.State == Begun
		e.State, e.Reason, e.Ended = Aborted, "by hand", time.Now()
		return e, j.put(tx, e)
	})
	if err == nil && atWork && j.o.OnAbort != nil {
		go j.o.OnAbort(e)
	}
	return e, err
}

func (j *Journal) byHand(ctx context.Context, what string, id uint64, do func(Tx, Entry) (Entry, error)) (e Entry, err error) {
	err = j.update(ctx, func(tx Tx) error {
		found, err := find(tx, id)
		if err != nil {
			return err
		}
		e, err = do(tx, j.visible(found))
		return err
	})
	if err != nil {
		return e, fmt.Errorf("%s work %d: %w", what, id, err)
	}
	j.log.Info(what+" by hand", "work", id, "now", e.State, "as", e.ID)
	j.nudge()
	return e, nil
}
