package journal

import (
	"context"
	"errors"
	"time"
)

const (
	tickEvery  = 250 * time.Millisecond // of leases, and of what commands ask
	pruneEvery = 5 * time.Second
	// What an operator does waits for a commit that long.
	patience = 10 * time.Second
)

// serve does what nobody asks for, until Close.
func (j *Journal) serve(path string) {
	j.looked = time.Now()
	if err := j.leaseAll(); err != nil {
		j.log.Warn("leases of an earlier run are not known", "error", err)
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
					j.log.Warn("`status` cannot tell of the journal", "error", err)
				}
			case <-prune.C:
				if err := j.tidy(ctx); err != nil {
					j.log.Warn("the journal is not tidied up", "error", err)
				}
			}
		}
	})
}

// tidy removes ended entries that need not be kept any longer, and gives their room back.
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

// outlived are the oldest ended entries that are too many or too old; not all at once.
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
			continue // removed, or run again by hand
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
