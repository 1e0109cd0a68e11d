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

// errNoHolder means that the record names no living process.
var errNoHolder = errors.New("no holder is recorded")

// An unverifiedError means that the record names a process, but we cannot find out whether it
// is alive.
type unverifiedError struct{ err error }

func (e *unverifiedError) Error() string { return e.err.Error() }
func (e *unverifiedError) Unwrap() error { return e.err }

// readHolder returns the recorded holder if it is verified: it is alive, it is the very same
// process, and the owner of the record may name it. Otherwise the error is errNoHolder, an
// unverifiedError, or the reason why the record cannot be read.
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
	h.owner, _ = proc.Owner(h.PID) // if the owner cannot be read, the process cannot be signalled either
	return h, nil
}

// recorded returns the holder that the record f names, alive or not.
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
		// The process that has it locked may be a probe, or about to write its record.
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

// awaitHolder is readHolder for a name that is held. It waits for a record that is about to be
// written.
func awaitHolder(o Options) (Holder, error) {
	for retry := newRetry(); ; {
		h, err := readHolder(o)
		if err == nil || !retry.wait() {
			return h, err
		}
	}
}

// probeRecord is probe for callers that cannot open the mutex. The record decides, and whether
// its process is alive.
func probeRecord(o Options) (Holder, error) {
	h, err := readHolder(o)
	unverified := (*unverifiedError)(nil)
	switch {
	case err == nil:
		return h, nil
	case errors.Is(err, errNoHolder) && !ofAnotherBoot(o):
		return Holder{}, free(o)
	case errors.Is(err, errNoHolder):
		err = errors.New("cannot tell whether the recorded holder is alive: its record is from another boot of the machine")
		return Holder{}, classify(o, fmt.Errorf("%w: %w", fs.ErrPermission, err))
	case errors.As(err, &unverified):
		if seemsHeld(o) {
			return Holder{}, nil
		}
		err = fmt.Errorf("cannot tell whether the recorded holder is alive: %w: %w", fs.ErrPermission, err)
	}
	return Holder{}, classify(o, err)
}

// ofAnotherBoot reports whether the record names another boot than ours although there is a
// PID file, which a reboot would have removed. Then our boot id differs from the holder's, as
// in a container that hides its own behind ProtectProc=.
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
