package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// State is what a running service writes down about itself: NAME.state.json in
// its runtime directory. It describes; who is alive, the lock decides.
type State = state.State

// Reloads counts reloads and tells of the last one that completed.
type Reloads = state.Reloads

// StopProgress tells how far an ordered stop has come.
type StopProgress = state.StopProgress

// StopStep is one step of an ordered stop that has ended.
type StopStep = state.StopStep

// ReadState reads a state file. The error wraps fs.ErrNotExist if there is none.
// It never blocks and follows no link, see [state.Read].
func ReadState(path string) (State, error) { return state.Read(path) }

// stateFile keeps the file up to date. What matters to others at once is
// flushed; the rest is written soon, and not more often than it can be read.
type stateFile struct {
	path   string
	failed func(error) // called if a write fails, except in flush

	mu    sync.Mutex
	state State
	dirty bool // a write is on its way
	gone  bool
}

func newStateFile(path string, s State, failed func(error)) *stateFile {
	return &stateFile{path: path, state: s, failed: failed}
}

// How late a change may be in the file, if nobody waits for it.
const stateDelay = 50 * time.Millisecond

// update changes the state; the change is in the file soon.
func (f *stateFile) update(change func(*State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	if !f.dirty {
		f.dirty = true
		time.AfterFunc(stateDelay, f.catchUp)
	}
}

// catchUp writes what update left, unless a flush was quicker.
func (f *stateFile) catchUp() {
	f.mu.Lock()
	var err error
	if f.dirty {
		err = f.write()
	}
	f.mu.Unlock()
	if err != nil {
		f.failed(err)
	}
}

// updateNow changes the state; the change is in the file when it returns.
func (f *stateFile) updateNow(change func(*State)) {
	if err := f.flush(change); err != nil {
		f.failed(err)
	}
}

// flush is updateNow for those who want to know.
func (f *stateFile) flush(change func(*State)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	return f.write()
}

func (f *stateFile) enter(p platform.Phase) func(*State) {
	return func(s *State) { s.Phase, s.PhaseSince = p, time.Now() }
}

// write must be called with mu held.
func (f *stateFile) write() error {
	f.dirty = false
	if f.gone {
		return nil
	}
	return state.Write(f.path, f.state)
}

// restore writes the file again if somebody removed it.
func (f *stateFile) restore() error {
	if _, err := os.Lstat(f.path); !errors.Is(err, fs.ErrNotExist) {
		return nil //nolint:nilerr // it is there, or the next write will tell
	}
	return f.flush(func(*State) {})
}

// remove removes the file for good.
func (f *stateFile) remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = true
	if err := files.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}
