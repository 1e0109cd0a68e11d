package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// State is what a running service writes down about itself: NAME.state.json in
// its runtime directory. It describes; who is alive, the lock decides.
type State struct {
	Name       string         `json:"name"`
	Version    string         `json:"version,omitempty"`
	Process    proc.Identity  `json:"process"`
	Manager    string         `json:"manager,omitempty"` // who started it; empty: a person
	ConfigFile string         `json:"config_file,omitempty"`
	Phase      platform.Phase `json:"phase"`
	PhaseSince time.Time      `json:"phase_since"`
	StartedAt  time.Time      `json:"started_at"`
	ReadyAt    time.Time      `json:"ready_at,omitzero"`
	StatusText string         `json:"status_text,omitempty"`
	Reloads    Reloads        `json:"reloads"`
	Restarts   int            `json:"restarts"`            // runs in a row before this one that did not end cleanly
	LastExit   *platform.Exit `json:"last_exit,omitempty"` // of the run before this one
	Stop       *StopProgress  `json:"stop,omitempty"`
}

// Reloads counts reloads and tells of the last one that completed.
type Reloads struct {
	Requested uint64 `json:"requested"` // joined ones count once each
	Completed uint64 `json:"completed"` // failed ones too
	Failed    uint64 `json:"failed"`
	LastError string `json:"last_error"`
	// LastStart is when the last completed reload began, by [proc.Monotonic]: it
	// answers the requests that were made before.
	LastStart time.Duration `json:"last_start_ns"`
	LastEnd   time.Time     `json:"last_end,omitzero"`
}

// StopProgress tells how far an ordered stop has come.
type StopProgress struct {
	Reason string     `json:"reason"`
	Steps  []StopStep `json:"steps"`
}

// StopStep is one step of an ordered stop that has ended.
type StopStep struct {
	Name  string        `json:"name"`
	Took  time.Duration `json:"took_ns"`
	Error string        `json:"error,omitempty"`
}

// ReadState reads a state file. The error wraps fs.ErrNotExist if there is none.
func ReadState(path string) (State, error) {
	b, err := files.ReadFile(path)
	if err != nil {
		return State{}, fmt.Errorf("state file: %w", err)
	}
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, fmt.Errorf("state file %s: %w", path, err)
	}
	return s, nil
}

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
	b, err := json.Marshal(f.state)
	if err == nil {
		err = files.Replace(f.path, append(b, '\n'), 0o644, false)
	}
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
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
