package singleton

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
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
	if !alive || !mayName(f, h, o) {
		return Holder{}, errNoHolder
	}
	h.owner, _ = proc.Owner(h.PID) // where it is not to be known, it is not to be signalled either
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

func probe(o Options) (Holder, error) {
	held, vouched, err := tryMutex(o)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return probeRecord(o)
	case err != nil:
		if h, found := lostHolder(o); found {
			return h, nil
		}
		return Holder{}, classify(o, err)
	case held:
		// Whoever has it locked may be a probe, or about to write who it is.
		for retry := newRetry(); held; held, vouched, err = tryMutex(o) {
			h, unknown := readHolder(o)
			if unknown == nil {
				return h, nil
			}
			if !retry.wait() {
				return Holder{}, nil
			}
		}
		if err != nil {
			return Holder{}, classify(o, err)
		}
	}
	return probeOld(o, vouched)
}

// awaitHolder is readHolder of a name that somebody holds: it waits for a record
// that is about to be written.
func awaitHolder(o Options) (Holder, error) {
	for retry := newRetry(); ; {
		h, err := readHolder(o)
		if err == nil || !retry.wait() {
			return h, err
		}
	}
}

// probeRecord is probe for those who cannot open the mutex: what the record says,
// and whether that process lives.
func probeRecord(o Options) (Holder, error) {
	h, err := readHolder(o)
	unverified := (*unverifiedError)(nil)
	switch {
	case err == nil:
		return h, nil
	case errors.Is(err, errNoHolder) && !ofAnotherBoot(o):
		return Holder{}, free(o)
	case errors.Is(err, errNoHolder):
		err = errors.New("whether the recorded holder lives cannot be told: it names another boot than the one that we see")
		return Holder{}, classify(o, fmt.Errorf("%w: %w", fs.ErrPermission, err))
	case errors.As(err, &unverified):
		if seemsHeld(o) {
			return Holder{}, nil
		}
		err = fmt.Errorf("whether the recorded holder lives cannot be told: %w: %w", fs.ErrPermission, err)
	}
	return Holder{}, classify(o, err)
}

// ofAnotherBoot reports whether the record names another boot than ours, and a
// PID file is there, which a reboot would have taken away: we see another boot id
// than the holder, in a container that hides its own behind ProtectProc=.
func ofAnotherBoot(o Options) bool {
	f, err := files.OpenToRead(o.LockFile())
	if err != nil {
		return false
	}
	defer f.Close()
	h, err := recorded(f)
	if err != nil {
		return false
	}
	self, err := proc.Self()
	if err != nil || h.SameBoot(self) {
		return false
	}
	_, err = os.Lstat(o.PIDFile())
	return err == nil
}
