package singleton

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// tryMutex reports whether a process has locked the mutex. It never proves that there is no
// holder, because a version without a mutex file may be running.
func tryMutex(o Options) (held, vouched bool, err error) {
	f, err := openMutexFile(o.MutexFile(), 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, files.ErrUntrusted) {
		return false, false, nil
	}
	if errors.Is(err, files.ErrInUse) { // for a long time, so fall back to the record
		return false, false, fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	if err != nil {
		return false, false, err
	}
	defer f.Close()
	if err := files.TryLock(f, true); !errors.Is(err, errTaken) {
		return false, false, err
	}
	return true, false, nil
}

// probeOld looks for a holder without a mutex file: see take.
func probeOld(o Options, _ bool) (Holder, error) {
	for _, name := range o.Mutexes() {
		there, err := taken(name)
		if err != nil {
			return Holder{}, classify(o, err)
		}
		if !there {
			continue
		}
		h, unknown := awaitHolder(o)
		if unknown == nil {
			return h, nil
		}
		if held, _ := examine(name, unknown); held {
			return Holder{}, nil
		}
	}
	return Holder{}, free(o)
}

// seemsHeld reports whether a named mutex exists. That decides nothing, but it is a hint.
func seemsHeld(o Options) bool {
	return slices.ContainsFunc(o.Mutexes(), func(name string) bool {
		there, err := taken(name)
		return err == nil && there
	})
}

// image and place need file numbers, which are expensive here.
func image(proc.Identity) string { return "" }
func place(Options) string       { return "" }

// mayName reports whether the owner of the record f may name the process of h. Otherwise a
// user who owns a record could make an administrator stop any process.
func mayName(f *os.File, h Holder, _ Options) bool {
	sd, err := windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return false
	}
	owner := ownerOf(sd)
	if isSystem(owner) {
		return true
	}
	user, err := proc.Owner(h.PID)
	// If we may not read the owner, we may not stop the process either.
	return user == owner || errors.Is(err, fs.ErrPermission)
}
