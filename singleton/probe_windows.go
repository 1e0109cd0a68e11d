package singleton

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

func probe(o Options) (Holder, error) {
	for retry := newRetry(); ; {
		held, err := anyTaken(o)
		if err != nil {
			return Holder{}, classify(o, err)
		}
		if !held {
			return Holder{}, free(o)
		}
		h, unknown := readHolder(o)
		if unknown == nil {
			return h, nil
		}
		if retry.wait() {
			continue
		}
		if err := takenBy(o, unknown); !errors.Is(err, ErrHeld) {
			return Holder{}, err
		}
		return Holder{}, nil
	}
}

func anyTaken(o Options) (bool, error) {
	for _, name := range o.Mutexes() {
		if there, err := taken(name); there || err != nil {
			return there, err
		}
	}
	return false, nil
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
