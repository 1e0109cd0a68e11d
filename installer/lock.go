package installer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// ErrBusy means that another process is changing the installation. The error is a
// [*BusyError].
var ErrBusy = errors.New("another process is changing the installation")

// A BusyError names the process that is changing the installation.
type BusyError struct{ Actor Actor }

func (e *BusyError) Error() string {
	if e.Actor.PID == 0 {
		return "an install or uninstall is under way"
	}
	return fmt.Sprintf("an install or uninstall is under way (%v)", e.Actor)
}

// Unwrap makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Unwrap() error { return ErrBusy }

// mostLost limits how often the directory may disappear between its creation and the check
// that follows. This happens on Windows.
const mostLost = 100

// pollEvery is the time between two attempts to take a lock.
const pollEvery = 50 * time.Millisecond

// Lock takes the lock file at path, so that nobody else changes the installation until release
// is called or the process ends. If another process holds the lock, Lock calls waiting and
// blocks until the lock is free or ctx ends. If ctx ends by its deadline, the error is a
// [*BusyError].
//
// Lock makes the directory if it does not exist, and release removes it if it is empty. Only
// the owner can open the file (mode 0600), because whoever can open a file can lock it.
func Lock(ctx context.Context, path, verb string, waiting func(error)) (release func(), err error) {
	told := false
	for lost := 0; ; {
		if err := files.MakeDirAs(filepath.Dir(path), 0o755); err != nil {
			// Whoever had the lock removes the directory, even one that was made a moment ago.
			if lost++; (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist)) && lost < mostLost {
				continue
			}
			return nil, err
		}
		file, err := lock(path)
		if err == nil {
			return sign(file, path, verb), nil
		}
		if !errors.Is(err, files.ErrLocked) {
			return nil, fmt.Errorf("lock of the installation: %w", err)
		}
		busy := &BusyError{whose(path)}
		if !told && waiting != nil {
			waiting(busy)
		}
		told = true
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			if cause := context.Cause(ctx); errors.Is(ctx.Err(), context.Canceled) {
				return nil, cause
			}
			return nil, busy
		}
	}
}

// sign writes the holder into the lock file, and returns the function that releases the lock.
func sign(file *os.File, path, verb string) func() {
	if content, err := json.Marshal(actor(verb)); err == nil { // it only describes
		_ = file.Truncate(0)
		_, _ = file.WriteAt(append(content, '\n'), 0)
	}
	return func() {
		unlock(file, path)
		_ = files.Remove(filepath.Dir(path)) // what is kept for somebody keeps it
	}
}

// whose returns the holder of the lock, as far as the lock file names it.
func whose(path string) Actor {
	var a Actor
	content, _, err := files.Read(path, files.MaxRecord)
	if err != nil || json.Unmarshal(content, &a) != nil {
		return Actor{}
	}
	return a
}

// Busy returns the holder of the lock file at path, or nil if the lock is free. The error
// wraps fs.ErrPermission if the caller may not open the file.
func Busy(path string) (*Actor, error) {
	taken, err := files.Locked(path)
	if err != nil || !taken {
		return nil, err
	}
	a := whose(path)
	return &a, nil
}
