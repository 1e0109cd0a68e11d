package journal

import (
	"errors"
	"fmt"
)

// Store is where a journal keeps its entries: buckets of keys in order. The journal's own is
// a file of bbolt. One that many machines share can take its place: nothing here
// assumes that only one process writes, as each transaction reads the term first.
type Store interface {
	// Update runs fn in a transaction that sees and makes its changes as if alone, and
	// returns nil when they are durable. On error none of them is there. fn may be run
	// more than once. One goroutine calls it at a time.
	Update(fn func(Tx) error) error
	// View runs fn on a state that is whole; any number of goroutines may call it.
	View(fn func(Tx) error) error
	// Size is how many bytes the entries occupy, roughly.
	Size() int64
	// Compact gives back what removed entries have occupied, where that is worth it.
	// Transactions wait for it.
	Compact() error
	Close() error
}

// Tx is a transaction of a Store, in the goroutine that got it and until fn returns; so
// are the bytes that come from it, which nobody may change.
type Tx interface {
	// Get is nil for what is not there.
	Get(bucket string, key []byte) ([]byte, error)
	Put(bucket string, key, value []byte) error
	Delete(bucket string, key []byte) error
	// Ascend calls fn for each key from from on, in order, until it returns false. fn must
	// not change the bucket.
	Ascend(bucket string, from []byte, fn func(key, value []byte) bool) error
}

// The buckets.
const (
	bucketMeta    = "meta"    // see the keys below
	bucketOpen    = "open"    // entries of which something is to come, by number
	bucketDone    = "done"    // the others
	bucketKeys    = "keys"    // idempotency key to number
	bucketDamaged = "damaged" // what is no entry any more, as it was found
)

func buckets() []string {
	return []string{bucketMeta, bucketOpen, bucketDone, bucketKeys, bucketDamaged}
}

// The keys of bucketMeta; the values are numbers.
const (
	metaFormat = "format"
	metaTerm   = "term"
	metaLast   = "last" // number of an entry
)

// Format is the version of what a store has in it. A journal refuses one that is newer.
const Format = 1

var (
	// ErrSuperseded means that a later run has opened the journal, and that the caller's
	// must write nothing any more.
	ErrSuperseded = errors.New("a later run of the service has the journal")
	// ErrNewer means that a later version of the program wrote the journal.
	ErrNewer = errors.New("journal has a newer format: run the version that wrote it, or a later one")
	// ErrLocked means that another process has the journal open.
	ErrLocked = errors.New("another process has the journal open")
	// ErrFull means that the journal takes no new work: finish or abort some, or raise Options.MaxBytes.
	ErrFull = errors.New("journal is full")
)

func getNumber(tx Tx, name string) (uint64, error) {
	b, err := tx.Get(bucketMeta, []byte(name))
	return number(b), err
}

func putNumber(tx Tx, name string, n uint64) error {
	return tx.Put(bucketMeta, []byte(name), key(n))
}

// claim has the store belong to the run with that term. An operator's, who has none,
// takes the one that it has; term is what the store has then.
func claim(s Store, term uint64, operator bool) (uint64, error) {
	var had uint64
	err := s.View(func(tx Tx) error {
		format, err := getNumber(tx, metaFormat)
		if err == nil && format > Format {
			err = ErrNewer
		}
		if err == nil {
			had, err = getNumber(tx, metaTerm)
		}
		return err
	})
	if err != nil || operator {
		return had, err
	}
	return term, s.Update(func(tx Tx) error {
		had, err := getNumber(tx, metaTerm)
		if err != nil {
			return err
		}
		if had > term {
			return fmt.Errorf("%w: it is of term %d, and this run has %d; if there is no later run, the service's term was lost: "+
				"stop it, and write %d into its file in the state directory (NAME.term)", ErrSuperseded, had, term, had)
		}
		if err := putNumber(tx, metaFormat, Format); err != nil {
			return err
		}
		return putNumber(tx, metaTerm, term)
	})
}
