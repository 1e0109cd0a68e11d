package singleton

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
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

func anyHeld(o Options) (bool, error) {
	for _, name := range o.Mutexes() {
		if there, err := taken(name); there || err != nil {
			return there, err
		}
	}
	return false, nil
}

// errNoHolder: the record names nobody who lives.
var errNoHolder = errors.New("no holder is recorded")

// readHolder returns the recorded holder if it is verified: alive, the very
// process, and not passed off on us by whoever owns the record. The error is
// errNoHolder, or why it cannot be told.
func readHolder(o Options) (Holder, error) {
	f, err := files.OpenToRead(o.LockFile())
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

// mayName refuses a record that names a process of somebody else: a user who
// owns the record could otherwise have an administrator stop any process for him.
func mayName(f *os.File, h Holder) bool {
	sd, err := windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return false
	}
	owner := ownerOf(sd)
	if isSystem(owner) {
		return true
	}
	user, err := proc.Owner(h.PID)
	// Whose process it is we may not know: then we may not stop it either.
	return user == owner || errors.Is(err, fs.ErrPermission)
}
