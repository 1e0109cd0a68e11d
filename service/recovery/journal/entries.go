package journal

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// ErrNone means that the journal has no such entry, or no longer has it.
var ErrNone = errors.New("no such work")

// find returns the entry id from any bucket.
func find(tx Tx, id uint64) (Entry, error) {
	for _, bucket := range []string{bucketOpen, bucketDone} {
		b, err := tx.Get(bucket, key(id))
		if err != nil {
			return Entry{}, err
		}
		if b != nil {
			return decode(id, b)
		}
	}
	return Entry{}, fmt.Errorf("work %d: %w", id, ErrNone)
}

// A peeked is an open entry that was read before a commit.
type peeked struct {
	raw   []byte
	entry Entry
}

// peek decodes entry id outside of a commit, so that other callers do not wait for the
// decoding.
func (j *Journal) peek(id uint64) (p peeked) {
	if j.refused != nil {
		return p
	}
	err := j.store.View(func(tx Tx) error {
		b, err := tx.Get(bucketOpen, key(id))
		p.raw = bytes.Clone(b)
		return err
	})
	if err == nil && p.raw != nil {
		p.entry, err = decode(id, p.raw)
	}
	if err != nil {
		return peeked{} // the commit will report the error
	}
	return p
}

// find is like the function find, but avoids decoding if the entry has not changed since p was
// read.
func (p peeked) find(tx Tx, id uint64) (Entry, error) {
	if p.raw != nil {
		if b, err := tx.Get(bucketOpen, key(id)); err == nil && bytes.Equal(b, p.raw) {
			return p.entry, nil
		}
	}
	return find(tx, id)
}

// put writes e to the bucket for its state.
func (j *Journal) put(tx Tx, e Entry) error {
	e.Term = j.term
	b, err := encode(e)
	if err != nil {
		return err
	}
	to, from := bucketDone, bucketOpen
	if e.open() {
		to, from = from, to
	}
	if err := tx.Delete(from, key(e.ID)); err != nil {
		return err
	}
	return tx.Put(to, key(e.ID), b)
}

// add writes e as a new entry, and returns it with its number.
func (j *Journal) add(tx Tx, e Entry) (Entry, error) {
	last, err := getNumber(tx, metaLast)
	if err != nil {
		return e, err
	}
	e.ID, e.Term = last+1, j.term
	if e.Key == "" {
		e.Key = fmt.Sprintf("%d.%d", j.term, e.ID)
	}
	if err := putNumber(tx, metaLast, e.ID); err != nil {
		return e, err
	}
	if err := tx.Put(bucketKeys, []byte(e.Key), key(e.ID)); err != nil {
		return e, err
	}
	return e, j.put(tx, e)
}

// rerunOf adds the next attempt of e, which was interrupted, as begun or queued. It returns
// that attempt, and marks e as rerun.
func (j *Journal) rerunOf(tx Tx, e Entry, state State) (Entry, error) {
	again := Entry{
		Work: e.Work, State: state, Attempt: e.Attempt + 1, Crashes: e.Crashes, Failures: e.Failures, Checkpoint: e.Checkpoint, RerunOf: e.ID,
	}
	again.Worker, again.Lease = "", 0 // Assign sets the new worker
	if state == Begun {
		again.Begun = time.Now()
	}
	again, err := j.add(tx, again)
	if err != nil {
		return again, err
	}
	e.State, e.RerunAs = Rerun, again.ID
	if e.Ended.IsZero() {
		e.Ended = time.Now()
	}
	return again, j.put(tx, e)
}

// leftover reports whether e was begun by an earlier run and has not been taken by this one.
func (j *Journal) leftover(e Entry) bool {
	return e.State == Begun && (j.operator || e.Term < j.term)
}

// damage moves an undecodable entry to bucketDamaged, where it is kept but not read.
func (j *Journal) damage(tx Tx, bucket string, k []byte) error {
	b, err := tx.Get(bucket, k)
	if err != nil {
		return err
	}
	if err := tx.Put(bucketDamaged, append([]byte(nil), k...), append([]byte(nil), b...)); err != nil {
		return err
	}
	return tx.Delete(bucket, k)
}
