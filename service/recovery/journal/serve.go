package journal

import (
	"context"
	"errors"
	"time"
)

const (
	tickEvery  = 250 * time.Millisecond // for leases and for requests of commands
	pruneEvery = 5 * time.Second
	// patience limits how long an operator's request waits for a commit.
	patience = 10 * time.Second
)

// serve starts the background work, which lasts until Close.
func (j *Journal) serve(path string) {
	j.looked = time.Now()
	if err := j.leaseAll(); err != nil {
		j.log.Warn("leases of an earlier run are unknown", "error", err)
	}
	desk := newDesk(j, path)
	j.ended.Go(func() {
		tick, prune := time.NewTicker(tickEvery), time.NewTicker(pruneEvery)
		defer tick.Stop()
		defer prune.Stop()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for {
			select {
			case <-j.quit:
				return
			case <-tick.C:
				j.expire(ctx)
				desk.answer(ctx)
				if err := j.summarize(false); err != nil {
					j.log.Warn("`status` cannot report on the journal", "error", err)
				}
			case <-prune.C:
				if err := j.tidy(ctx); err != nil {
					j.log.Warn("the journal cannot be cleaned up", "error", err)
				}
			}
		}
	})
}

// tidy removes ended entries that need not be kept any longer, and frees their space.
func (j *Journal) tidy(ctx context.Context) error {
	for {
		old, err := j.outlived(time.Now())
		if err != nil {
			return err
		}
		if len(old) == 0 {
			break
		}
		if err := j.update(ctx, func(tx Tx) error { return remove(tx, old) }); err != nil {
			return err
		}
	}
	return j.store.Compact()
}

// outlived returns a batch of the oldest ended entries that are too many or too old.
func (j *Journal) outlived(at time.Time) (old []uint64, err error) {
	err = j.store.View(func(tx Tx) error {
		n := 0
		if err := tx.Ascend(bucketDone, nil, func(_, _ []byte) bool { n++; return true }); err != nil {
			return err
		}
		return tx.Ascend(bucketDone, nil, func(k, v []byte) bool {
			id := number(k)
			if n > j.o.Keep {
				n--
			} else if e, err := decode(id, v); err != nil || at.Sub(e.Ended) < j.o.KeepFor {
				return false
			}
			old = append(old, id)
			return len(old) < settleAtOnce
		})
	})
	return old, err
}

func remove(tx Tx, old []uint64) error {
	for _, id := range old {
		b, err := tx.Get(bucketDone, key(id))
		if err != nil {
			return err
		}
		if b == nil {
			continue // removed, or rerun by hand
		}
		if e, err := decode(id, b); err == nil {
			owner, err := tx.Get(bucketKeys, []byte(e.Key))
			if err == nil && number(owner) == id {
				err = tx.Delete(bucketKeys, []byte(e.Key))
			}
			if err != nil {
				return err
			}
		} else if !errors.Is(err, ErrDamaged) {
			return err
		}
		if err := tx.Delete(bucketDone, key(id)); err != nil {
			return err
		}
	}
	return nil
}
