package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

// lockWait limits the wait for a file that another process has open. A command that reads it
// needs much less.
const lockWait = 5 * time.Second

// An opened is the result of openBolt.
type opened struct {
	store *bolt
	aside string // new path of a file that could not be used; empty if there was none
	why   error  // why it could not be used, or was taken over
}

// openBolt opens the journal at path. A file that is damaged or no journal is set aside under
// another name, and a new journal is begun. If an earlier run has locked the file, it is taken
// over if mayTakeOver is set; otherwise the error is ErrLocked.
func openBolt(path string, wait time.Duration, mayTakeOver bool) (o opened, err error) {
	if err := removeLeft(files.Temporary(path)); err != nil {
		return o, err
	}
	state := examine(path, wait)
	switch {
	case errors.Is(state, fs.ErrNotExist):
		err = createFile(path)
	case errors.Is(state, ErrDamaged), errors.Is(state, files.ErrUntrusted):
		o.why = state
		if o.aside, err = setAside(path); err == nil {
			err = createFile(path)
		}
	case errors.Is(state, ErrLocked) && mayTakeOver:
		o.why = fmt.Errorf("%w: what it wrote so far is copied, and what it writes from now on is lost", state)
		err = takeOver(path)
	default:
		err = state
	}
	if err != nil {
		return o, fmt.Errorf("journal: %w", err)
	}
	db, was, err := openFile(path, wait)
	if err == nil {
		err = complete(db)
	}
	if errors.Is(err, ErrDamaged) && o.aside == "" { // a valid bbolt file, but no journal
		if db != nil {
			_ = db.Close()
		}
		o.why = fmt.Errorf("%s: %w", path, err)
		if o.aside, err = setAside(path); err == nil {
			err = createFile(path)
		}
		if err == nil {
			db, was, err = openFile(path, wait)
		}
	}
	if err != nil {
		return o, err
	}
	o.store = &bolt{path: path, db: db, was: was}
	return o, nil
}

// complete returns ErrDamaged if a bucket is missing.
func complete(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		for _, name := range buckets() {
			if _, err := (boltTx{tx}).bucket(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// openFile opens a bbolt file whose pages are valid. bbolt may panic at unexpected content,
// and then leaves the file locked.
func openFile(path string, wait time.Duration) (db *bbolt.DB, was os.FileInfo, err error) {
	var f *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			_ = f.Close()
			db, was, err = nil, nil, fmt.Errorf("journal %s: %w: %v", path, ErrDamaged, p)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: wait, FreelistType: bbolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err = files.Open(name, flag, mode)
			return f, err
		},
	})
	if err == nil {
		was, err = f.Stat()
		return db, was, err
	}
	if f != nil {
		_ = f.Close()
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = ErrLocked
	}
	return nil, nil, fmt.Errorf("journal %s: %w", path, err)
}

// createFile creates an empty journal atomically, so that a truncated one is never taken for
// an empty one.
func createFile(path string) error {
	draft := files.Temporary(path)
	db, _, err := openFile(draft, lockWait)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return putNumber(boltTx{tx}, metaFormat, storeFormat)
	})
	if e := db.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = replace(draft, path)
	}
	if err != nil {
		_ = files.Remove(draft)
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// replace renames a file, and returns when that is durable.
func replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(to))
}

// removeLeft removes a draft that a crash has left behind.
func removeLeft(draft string) error {
	if err := files.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// setAside renames the file at path and returns its new path. It never overwrites a file that
// was set aside before.
func setAside(path string) (string, error) {
	now := time.Now()
	for i := range 1000 {
		to := recovery.AsidePath(path, now, i)
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := replace(path, to); err != nil {
			return "", fmt.Errorf("set the journal aside: %w", err)
		}
		return to, nil
	}
	return "", fmt.Errorf("set the journal aside: %w: %s", fs.ErrExist, path)
}
