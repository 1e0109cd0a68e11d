package journal

import (
	"context"
	"fmt"
	"os"
	"slices"
)

// A Taken is an entry that Next returns. This run has begun it.
type Taken struct {
	Entry

	// Adopted means that the process that does the work is still alive, or that this cannot be
	// determined. The work was not begun again: wait for the process (Child.Wait) and call
	// Finish, or Interrupt if its outcome is lost.
	Adopted bool
}

// settleAtOnce limits the entries that are settled in one commit on the way to one that Next
// returns.
const settleAtOnce = 256

// Next returns the next work to run again, or from the queue, as soon as the service is ready
// and there is some. First comes the work that an earlier run left, in the order in which it
// was begun, then the work that was interrupted since. When Next returns, it has recorded
// durably that the work begins, and no other call returns the same work. Call Next when
// there is room for work.
//
// Next blocks until there is work, ctx ends, or the journal is closed. If the journal is
// refused, it returns the reason at once.
func (j *Journal) Next(ctx context.Context) (Taken, error) {
	if j.refused != nil {
		return Taken{}, j.refused
	}
	select {
	case <-j.ready:
	case <-ctx.Done():
		return Taken{}, context.Cause(ctx)
	case <-j.quit:
		return Taken{}, os.ErrClosed
	}
	for {
		select {
		case <-j.taking:
		case <-ctx.Done():
			return Taken{}, context.Cause(ctx)
		case <-j.quit:
			return Taken{}, os.ErrClosed
		}
		if ctx.Err() != nil { // a stop has just interrupted work, which the next run will take
			j.taking <- struct{}{}
			return Taken{}, context.Cause(ctx)
		}
		got, found, err := j.take(ctx)
		j.taking <- struct{}{}
		if found || err != nil {
			return got, err
		}
		select {
		case <-j.changed:
		case <-ctx.Done():
			return Taken{}, context.Cause(ctx)
		case <-j.quit:
			return Taken{}, os.ErrClosed
		}
	}
}

// take returns the next candidate, and settles those before it that do not run again. The
// caller has the token of j.taking.
func (j *Journal) take(ctx context.Context) (got Taken, found bool, err error) {
	from, held := j.next, uint64(0)
	defer func() { // look at held work again next time
		if j.next = from; held != 0 {
			j.next = held
		}
	}()
	for {
		all, torn, seen, err := j.candidates(from)
		if err != nil {
			return got, false, err
		}
		if len(all)+len(torn) == 0 {
			from = max(from, seen+1)
			return got, false, nil
		}
		if n := heldAtFirst(all); n > 0 && len(torn) == 0 { // they need no write
			if held == 0 {
				held = all[0].ID
			}
			from = all[n-1].ID + 1
			continue
		}
		var last uint64
		// If the caller gave up meanwhile, work that is begun would be lost.
		err = j.update(context.WithoutCancel(ctx), func(tx Tx) error {
			got, found = Taken{}, false
			for _, k := range torn {
				if err := j.damage(tx, bucketOpen, k); err != nil {
					return err
				}
			}
			for _, c := range all {
				last = c.ID
				if c.held {
					if held == 0 {
						held = c.ID
					}
					continue
				}
				e, err := find(tx, c.ID)
				if err != nil {
					return err
				}
				if e.State != c.State || e.Term != c.Term {
					continue // aborted by hand, or finished, in the meantime
				}
				if got, found, err = j.settle(tx, e, c); err != nil || found {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return Taken{}, false, fmt.Errorf("next work: %w", err)
		}
		if len(torn) > 0 {
			j.log.Error("entries of the journal are damaged and were set aside in it", "entries", len(torn))
		}
		from = max(from, last+1)
		if found {
			j.announce(got)
			j.nudge() // there may be more for another caller
			return got, true, nil
		}
	}
}

// A candidate is an entry that needs attention, and what is known of its child.
type candidate struct {
	Entry
	alive   bool
	outcome *Outcome
	held    bool
}

func heldAtFirst(all []candidate) int {
	n := slices.IndexFunc(all, func(c candidate) bool { return !c.held })
	if n < 0 {
		return len(all)
	}
	return n
}

// candidates returns the next entries that need attention, beginning with the number from. At
// most one of them will be returned by Next, and it is the last. seen is the last entry that
// was examined. torn has the keys of undecodable entries.
func (j *Journal) candidates(from uint64) (all []candidate, torn [][]byte, seen uint64, err error) {
	var entries []Entry
	err = j.store.View(func(tx Tx) error {
		return tx.Ascend(bucketOpen, key(from), func(k, v []byte) bool {
			id := number(k)
			e, err := decode(id, v)
			switch {
			case err != nil:
				torn = append(torn, append([]byte(nil), k...))
			case e.State == Queued:
				entries = append(entries, e)
				return false
			case j.leftover(e) && e.Lease == 0:
				entries = append(entries, e)
				if e.Rerun && e.Child == nil && e.Crashes+1 < j.o.MaxCrashes {
					return false
				}
			default:
				seen = max(seen, id)
			}
			return len(entries)+len(torn) < settleAtOnce
		})
	})
	for _, e := range entries {
		c := candidate{Entry: e}
		if e.State == Begun {
			c.alive, c.outcome = j.child(e)
		}
		if j.o.Hold != nil && !c.alive && c.outcome == nil && (e.State == Queued || e.Rerun) {
			c.held = j.o.Hold(e)
		}
		all = append(all, c)
	}
	return all, torn, seen, err
}

// child returns whether the process that did e is alive, or else its outcome, if it is known.
func (j *Journal) child(e Entry) (alive bool, outcome *Outcome) {
	if e.Child == nil {
		return false, nil
	}
	alive, err := e.Child.Alive()
	if err != nil {
		j.log.Warn("it is unknown whether a child process is alive: it counts as alive", "work", e.ID, "pid", e.Child.PID, "error", err)
		return true, nil
	}
	if alive || j.o.Collect == nil {
		return alive, nil
	}
	if how, ok := j.o.Collect(e); ok {
		return false, &how
	}
	return false, nil
}

// settle decides what happens to e, and reports whether Next returns it.
func (j *Journal) settle(tx Tx, e Entry, c candidate) (Taken, bool, error) {
	switch {
	case e.State == Queued:
		e.State, e.Begun = Begun, now()
		e.Term = j.term
		return Taken{Entry: e}, true, j.put(tx, e)
	case c.alive:
		e.Term = j.term
		return Taken{Entry: e, Adopted: true}, true, j.put(tx, e)
	case c.outcome != nil && c.outcome.State == Begun:
		e.retry(c.outcome.Reason)
		return Taken{Entry: e}, true, j.put(tx, e)
	case c.outcome != nil && c.outcome.State != Interrupted:
		e.State, e.Reason, e.Ended = c.outcome.State, c.outcome.Reason, now()
		if e.State == "" {
			e.State = Finished
		}
		j.log.Info("work ended while the service was down", "work", e.ID, "kind", e.Kind, "state", e.State)
		return Taken{}, false, j.put(tx, e)
	}
	e.Reason, e.Ended = cutOff, now()
	if c.outcome != nil && c.outcome.Reason != "" {
		e.Reason = c.outcome.Reason
	}
	crash := e.Term != j.spared
	if crash {
		e.Crashes++
	}
	switch {
	case !e.Rerun:
		e.State = Interrupted
	case crash && e.Crashes >= j.o.MaxCrashes:
		e.State = SetAside
		j.log.Error("work is set aside: too many crashes happened during it", "work", e.ID, "kind", e.Kind, "crashes", e.Crashes)
	default:
		again, err := j.rerunOf(tx, e, Begun)
		return Taken{Entry: again}, true, err
	}
	return Taken{}, false, j.put(tx, e)
}

// cutOff is the reason for work that an earlier run left.
const cutOff = "its run was cut off"

func (j *Journal) announce(t Taken) {
	what := "work begins"
	switch {
	case t.Adopted:
		what = "work continues in a process that outlived the last run"
	case t.RerunOf != 0:
		what = "work is run again"
	}
	j.log.Info(what, "work", t.ID, "kind", t.Kind, "trigger", t.Trigger, "attempt", t.Attempt, "rerun_of", t.RerunOf)
}
