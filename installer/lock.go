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

// ErrBusy means that another process is changing the installation. The error is a [*BusyError].
var ErrBusy = errors.New("another process is changing the installation")

// BusyError says who changes the installation.
type BusyError struct{ Actor Actor }

func (e *BusyError) Error() string {
	if e.Actor.PID == 0 {
		return "an install or uninstall is under way"
	}
	return fmt.Sprintf("an install or uninstall is under way (%v)", e.Actor)
}

// Unwrap makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Unwrap() error { return ErrBusy }

// mostLost is how often the directory may go away between its making and its
// examination, on Windows.
const mostLost = 100

// pollEvery is the time between two tries to get a lock.
const pollEvery = 50 * time.Millisecond

// Lock keeps others from changing the installation whose lock is the file at path,
// until release is called or the process ends. It waits while somebody else has it,
// after a call of waiting, and refuses with a [*BusyError] when ctx ends by its
// deadline. The directory is made if it is not there, and removed by release if it
// is empty; the file is for its owner alone (0600), since whoever can open a file
// can lock it.
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

// sign has the file say who has it, and returns what gives it up.
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

// whose is who has the lock, as far as he has said so.
func whose(path string) Actor {
	var a Actor
	content, _, err := files.Read(path, files.MaxRecord)
	if err != nil || json.Unmarshal(content, &a) != nil {
		return Actor{}
	}
	return a
}

// Busy is who changes the installation whose lock is at path; nil if nobody does.
// The error is fs.ErrPermission for who may not open the lock.
func Busy(path string) (*Actor, error) {
	taken, err := files.Locked(path)
	if err != nil || !taken {
		return nil, err
	}
	a := whose(path)
	return &a, nil
}
