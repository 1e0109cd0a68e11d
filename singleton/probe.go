package singleton

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// errNoHolder: the record names nobody who lives.
var errNoHolder = errors.New("no holder is recorded")

// unverifiedError: the record names a process of which we cannot find out
// whether it lives.
type unverifiedError struct{ err error }

func (e *unverifiedError) Error() string { return e.err.Error() }
func (e *unverifiedError) Unwrap() error { return e.err }

// readHolder returns the recorded holder if it is verified: alive, the very
// process, and not passed off on us by whoever owns the record. The error is
// errNoHolder, an unverifiedError, or why the record cannot be read.
func readHolder(o Options) (Holder, error) {
	f, err := files.OpenToRead(o.LockFile())
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, files.ErrUntrusted) {
		return Holder{}, errNoHolder
	}
	if err != nil {
		return Holder{}, err
	}
	defer f.Close()
	h, err := recorded(f)
	if err != nil {
		return Holder{}, err
	}
	alive, err := h.Alive()
	if err != nil {
		return Holder{}, &unverifiedError{err}
	}
	if !alive || !mayName(f, h) {
		return Holder{}, errNoHolder
	}
	return h, nil
}

// recorded is the holder that the record f names, alive or not.
func recorded(f io.Reader) (Holder, error) {
	content, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return Holder{}, err
	}
	h, err := parseRecord(content)
	if err != nil {
		return Holder{}, errNoHolder
	}
	return h, nil
}

func free(o Options) error { return fmt.Errorf("%q: %w", o.Name, ErrFree) }
