package journal

import (
	"fmt"
	"os"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// A bolt is a Store in a bbolt file.
type bolt struct {
	path string

	mu  sync.RWMutex // write-locked while db is replaced
	db  *bbolt.DB
	was os.FileInfo // identity of db's file
}

// Superseded returns ErrSuperseded if the file at path is no longer the open one. Then a later
// run has replaced it, and anything written here is lost.
func (b *bolt) Superseded() error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.ours()
}

// ours is Superseded for callers that hold mu.
func (b *bolt) ours() error {
	there, err := os.Lstat(b.path)
	if err != nil {
		return fmt.Errorf("%w, or somebody removed it: %w", ErrSuperseded, err)
	}
	if !os.SameFile(there, b.was) {
		return ErrSuperseded
	}
	return nil
}

func (b *bolt) Update(fn func(Tx) error) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.db == nil {
		return os.ErrClosed
	}
	err := b.ours()
	if err == nil {
		err = b.db.Update(func(tx *bbolt.Tx) error { return fn(boltTx{tx}) })
	}
	if err == nil {
		err = b.ours() // the process may have been paused in between
	}
	return err
}

func (b *bolt) View(fn func(Tx) error) (err error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	defer func() {
		if p := recover(); p != nil { // bbolt, at a page that was damaged since it was verified
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	if b.db == nil {
		return os.ErrClosed
	}
	return b.db.View(func(tx *bbolt.Tx) error { return fn(boltTx{tx}) })
}

// Size returns the size without free pages.
func (b *bolt) Size() int64 {
	used, _ := b.sizes()
	return used
}

func (b *bolt) sizes() (used, all int64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.db == nil {
		return 0, 0
	}
	var page int64
	_ = b.db.View(func(tx *bbolt.Tx) error {
		all, page = tx.Size(), int64(b.db.Info().PageSize) // reads the mapping, which only a transaction keeps in place
		return nil
	})
	s := b.db.Stats()
	return all - int64(s.FreePageN+s.PendingPageN)*page, all
}

// compactFrom is the size, in bytes, from which a file is compacted if more than half of it is
// free.
const compactFrom = 1 << 20

// Compact copies the file, and replaces it by the copy when that is on disk.
func (b *bolt) Compact() error {
	if used, all := b.sizes(); all < compactFrom || used > all/2 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.db == nil {
		return os.ErrClosed
	}
	if err := b.ours(); err != nil {
		return err
	}
	draft := files.Temporary(b.path)
	if err := b.copyTo(draft); err != nil {
		_ = files.Remove(draft)
		return fmt.Errorf("compact the journal: %w", err)
	}
	// Windows cannot rename an open file. A command that opens the file in between
	// closes it again soon.
	err := b.db.Close()
	b.db = nil
	if err == nil {
		err = replace(draft, b.path)
	}
	db, was, e := openFile(b.path, lockWait)
	if e != nil {
		return fmt.Errorf("compact the journal: %w", e)
	}
	b.db, b.was = db, was
	if err != nil {
		return fmt.Errorf("compact the journal: %w", err)
	}
	return nil
}

// copyStep is the size of a copy's transactions, in bytes.
const copyStep = 4 << 20

func (b *bolt) copyTo(draft string) error {
	if err := removeLeft(draft); err != nil {
		return err
	}
	db, _, err := openFile(draft, lockWait)
	if err != nil {
		return err
	}
	err = bbolt.Compact(db, b.db, copyStep)
	if e := db.Close(); err == nil {
		err = e
	}
	return err
}

func (b *bolt) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.db == nil {
		return nil
	}
	err := b.db.Close()
	b.db = nil
	return err
}

type boltTx struct{ tx *bbolt.Tx }

func (t boltTx) bucket(name string) (*bbolt.Bucket, error) {
	if b := t.tx.Bucket([]byte(name)); b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("%w: it has no bucket %q", ErrDamaged, name)
}

func (t boltTx) Get(bucket string, key []byte) ([]byte, error) {
	b, err := t.bucket(bucket)
	if err != nil {
		return nil, err
	}
	return b.Get(key), nil
}

func (t boltTx) Put(bucket string, key, value []byte) error {
	b, err := t.bucket(bucket)
	if err != nil {
		return err
	}
	return b.Put(key, value)
}

func (t boltTx) Delete(bucket string, key []byte) error {
	b, err := t.bucket(bucket)
	if err != nil {
		return err
	}
	return b.Delete(key)
}

func (t boltTx) Ascend(bucket string, from []byte, fn func(key, value []byte) bool) error {
	b, err := t.bucket(bucket)
	if err != nil {
		return err
	}
	c := b.Cursor()
	for k, v := c.Seek(from); k != nil; k, v = c.Next() {
		if !fn(k, v) {
			break
		}
	}
	return nil
}
