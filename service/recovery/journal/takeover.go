package journal

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// The pause between two attempts to get a lock or a moment without writes, and their number.
const (
	pollEvery     = 10 * time.Millisecond
	takeOverTries = 100
)

// examine verifies the file at path while it holds its lock. The error is ErrLocked if another
// process holds the lock for longer than wait.
func examine(path string, wait time.Duration) error {
	f, err := files.Open(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close() // also releases the lock; whoever gets it now leaves the file valid
	for waited := time.Duration(0); ; waited += pollEvery {
		if ok, err := tryLock(f); err != nil {
			return err
		} else if ok {
			break
		}
		if waited >= wait {
			return fmt.Errorf("%s: %w", path, ErrLocked)
		}
		time.Sleep(pollEvery)
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := verify(f, info.Size()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// takeOver replaces the file at path by a copy, so that the process that has it locked is left
// with an unnamed file. The copy has everything that process has committed, because bbolt
// overwrites no page of its last transaction before the next but one.
func takeOver(path string) error {
	draft := files.Temporary(path)
	var err error
	for range takeOverTries {
		if err = copyAtRest(path, draft); err == nil {
			return replace(draft, path)
		}
		_ = files.Remove(draft)
		time.Sleep(pollEvery)
	}
	return fmt.Errorf("copy the journal while another process has it open: %w", err)
}

// copyAtRest copies the file at path to draft. It fails if the file was written meanwhile.
func copyAtRest(path, draft string) (err error) {
	f, err := files.OpenToRead(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	before, err := readMeta(f, info.Size())
	if err != nil {
		return err
	}
	to, err := files.Open(draft, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := to.Close(); err == nil {
			err = e
		}
	}()
	if _, err = io.Copy(to, io.NewSectionReader(f, 0, info.Size())); err != nil {
		return err
	}
	after, err := readMeta(f, info.Size())
	if err == nil && after != before {
		err = fmt.Errorf("%w and writes", ErrLocked)
	}
	if err == nil {
		err = verify(to, info.Size())
	}
	if err == nil {
		err = to.Sync()
	}
	return err
}
