package singleton

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

func probe(o Options) (Holder, error) {
	for patience := newPatience(); ; {
		held, err := anyHeld(o)
		if err != nil {
			return Holder{}, classify(o, err)
		}
		if !held {
			return Holder{}, fmt.Errorf("%q: %w", o.Name, ErrFree)
		}
		h, unknown := readHolder(o)
		if unknown == nil {
			return h, nil
		}
		if patience.wait() {
			continue
		}
		if err := verdict(o, unknown); !errors.Is(err, ErrHeld) {
			return Holder{}, err
		}
		return Holder{}, nil
	}
}

// errNoHolder: the record names nobody who lives.
var errNoHolder = errors.New("no holder is recorded")

// readHolder returns the recorded holder if it is verified: alive, the very
// process, and not passed off on us by whoever owns the record. The error is
// errNoHolder, or why it cannot be told.
func readHolder(o Options) (Holder, error) {
	f, err := openToRead(o.LockFile())
	if errors.Is(err, fs.ErrNotExist) {
		return Holder{}, errNoHolder
	}
	if err != nil {
		return Holder{}, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return Holder{}, err
	}
	h, err := parseRecord(content)
	if err != nil {
		return Holder{}, errNoHolder
	}
	alive, err := h.Alive()
	if err != nil {
		return Holder{}, err
	}
	if !alive || !mayName(f, h) {
		return Holder{}, errNoHolder
	}
	return h, nil
}
