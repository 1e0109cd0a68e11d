package journal

import (
	"errors"
	"fmt"
)

// A Store has the entries of a journal, in buckets of sorted keys. The journal's own is a
// bbolt file. A store that many machines share may replace it: nothing in this package assumes
// that only one process writes, since each transaction reads the term first.
type Store interface {
	// Update runs fn in a serializable transaction, and returns nil when its changes are
	// durable. After an error there are none of them, unless it wraps ErrUnknown. fn may be
	// run more than once. Update is called by one goroutine at a time.
	Update(fn func(Tx) error) error
	// View runs fn on a consistent snapshot. It is safe for concurrent use.
	View(fn func(Tx) error) error
	// Size returns roughly how many bytes the entries occupy.
	Size() int64
	// Compact frees the space of removed entries if that is worthwhile. Transactions wait for
	// it.
	Compact() error
	Close() error
}

// A Tx is a transaction of a Store. It is valid in the goroutine that got it, until fn
// returns. The same holds for the bytes that it returns, which must not be changed.
type Tx interface {
	// Get returns nil if there is no such key.
	Get(bucket string, key []byte) ([]byte, error)
	Put(bucket string, key, value []byte) error
	Delete(bucket string, key []byte) error
	// Ascend calls fn for each key in order, beginning with from, until fn returns false. fn
	// must not change the bucket.
	Ascend(bucket string, from []byte, fn func(key, value []byte) bool) error
}

// The buckets.
const (
	bucketMeta    = "meta"    // has the keys below
	bucketOpen    = "open"    // entries that may still run, by number
	bucketDone    = "done"    // all other entries, by number
	bucketKeys    = "keys"    // idempotency key to number
	bucketDamaged = "damaged" // undecodable entries, unchanged
)

func buckets() []string {
	return []string{bucketMeta, bucketOpen, bucketDone, bucketKeys, bucketDamaged}
}

// The keys of bucketMeta; the values are numbers.
const (
	metaFormat = "format"
	metaTerm   = "term"
	metaLast   = "last" // number of the newest entry
)

// storeFormat is the version of a store's content. A journal refuses a newer one.
const storeFormat = 1

var (
	// ErrSuperseded means that a later run has opened the journal, and that this one must not
	// write any more.
	ErrSuperseded = errors.New("a later run of the service owns the journal")
	// ErrNewer means that a later version of the program wrote the journal.
	ErrNewer = errors.New("journal has a newer format: run the version that wrote it, or a later one")
	// ErrLocked means that another process has the journal open.
	ErrLocked = errors.New("another process has the journal open")
	// ErrFull means that the journal takes no new work: finish or abort some, or raise
	// Options.MaxBytes.
	ErrFull = errors.New("journal is full")
)

func getNumber(tx Tx, name string) (uint64, error) {
	b, err := tx.Get(bucketMeta, []byte(name))
	return number(b), err
}

func putNumber(tx Tx, name string, n uint64) error {
	return tx.Put(bucketMeta, []byte(name), key(n))
}

// claim makes the run with the given term the owner of the store. An operator has no term, and
// uses that of the store. claim returns the term that the store has then.
func claim(s Store, term uint64, operator bool) (uint64, error) {
	var had uint64
	err := s.View(func(tx Tx) error {
		format, err := getNumber(tx, metaFormat)
		if err == nil && format > storeFormat {
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
		if err := putNumber(tx, metaFormat, storeFormat); err != nil {
			return err
		}
		return putNumber(tx, metaTerm, term)
	})
}
