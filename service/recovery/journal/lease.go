package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

func now() time.Time { return time.Now() }

// Assign records that worker does the work from now on, and how long it may be silent.
func (j *Journal) Assign(ctx context.Context, id uint64, worker string, lease time.Duration) error {
	var got Entry
	err := j.change(ctx, "assign", id, func(e *Entry) error {
		e.Worker, e.Lease = worker, lease
		got = *e
		return nil
	})
	if err == nil {
		j.lease(got)
	}
	return err
}

// Renew notes that the worker is alive. It does not wait for the disk. The error wraps
// [ErrEnded] if the lease has expired or there was none. Then the work may run elsewhere, and
// the worker has to give it up.
func (j *Journal) Renew(id uint64, worker string) error {
	if j.refused != nil {
		return j.refused
	}
	var e Entry
	err := j.store.View(func(tx Tx) (err error) {
		e, err = find(tx, id)
		return err
	})
	if err == nil && (e.State != Begun || e.Worker != worker || e.Lease == 0) {
		err = fmt.Errorf("%w for worker %q: %s", ErrEnded, worker, e.State)
	}
	if err == nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		if _, held := j.leases[id]; !held { // expired, and about to be taken back
			err = fmt.Errorf("%w for worker %q: its lease expired", ErrEnded, worker)
		} else {
			j.leases[id] = time.Now().Add(e.Lease)
		}
	}
	if err != nil {
		return fmt.Errorf("renew the lease of work %d: %w", id, err)
	}
	return nil
}

// lease starts e's lease. It uses the monotonic clock, because the time of day may be set.
func (j *Journal) lease(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.State != Begun || e.Lease == 0 {
		delete(j.leases, e.ID)
		return
	}
	j.leases[e.ID] = time.Now().Add(e.Lease)
}

// leaseAll starts the leases of work that earlier runs left with workers, who may still be
// doing it.
func (j *Journal) leaseAll() error {
	return j.store.View(func(tx Tx) error {
		return tx.Ascend(bucketOpen, nil, func(k, v []byte) bool {
			if !bytes.Contains(v, []byte(`"lease_ns":`)) { // rare, and decoding is slow
				return true
			}
			if e, err := decode(number(k), v); err == nil && e.State == Begun && e.Lease > 0 {
				j.lease(e)
			}
			return true
		})
	})
}

// expire takes back the work of workers that were silent for too long. It is called every
// tickEvery. Time in which this process was suspended does not count, because nobody could
// renew a lease then.
func (j *Journal) expire(ctx context.Context) {
	var out []uint64
	at := time.Now()
	j.mu.Lock()
	if away := at.Sub(j.looked) - tickEvery; away > tickEvery {
		for id := range j.leases {
			j.leases[id] = j.leases[id].Add(away)
		}
	}
	j.looked = at
	for id, until := range j.leases {
		if at.After(until) {
			out = append(out, id)
			delete(j.leases, id)
		}
	}
	j.mu.Unlock()
	for _, id := range out {
		err := j.changeTx(ctx, "interrupt", id, func(tx Tx, e Entry) error {
			return j.interrupt(tx, e, fmt.Sprintf("its lease expired: worker %q was silent for %v", e.Worker, e.Lease), true)
		})
		switch {
		case err == nil:
			j.log.Warn("a lease expired, and the work is taken back", "work", id)
			j.nudge()
		case !errors.Is(err, ErrEnded) && !errors.Is(err, ErrNone):
			j.log.Warn("a lease expired, and the journal cannot be written", "work", id, "error", err)
			j.mu.Lock()
			j.leases[id] = at // try again soon
			j.mu.Unlock()
		}
	}
}
