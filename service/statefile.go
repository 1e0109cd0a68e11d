package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
)

const (
	// stateDelay is how late a change may be in the file if nobody waits for it.
	stateDelay = 50 * time.Millisecond
	// stateRetry is the time until the next try after a write has failed; it
	// doubles with each, up to stateRetryMax.
	stateRetry    = time.Second
	stateRetryMax = 30 * time.Second
	// statePatience is how long the life waits for a write. A disk that hangs
	// costs it that time once, and not at every change.
	statePatience = 2 * time.Second
	// settingsPatience is how long the writer waits for the write of the file settingsPath.
	settingsPatience = time.Second
)

// errStateSlow is what a write ended with as far as nobody waits for it any more.
var errStateSlow = fmt.Errorf("the write %w of %v", ErrOverrun, statePatience)

// stateFile keeps the file up to date: a goroutine of its own writes what the
// others change, at once if somebody waits for it, otherwise soon, and again
// where it failed.
type stateFile struct {
	path         string
	settingsPath string // where [State.ProgramSettings] goes
	save         func(path string, s State) error
	warn         func(string, ...any) // of the log

	wake chan struct{} // holds one token when there may be something to write now
	quit chan struct{} // closed by remove
	idle chan struct{} // closed when the writer has ended

	mu              sync.Mutex
	state           State
	made            int               // changes
	tried           int               // of them, what a write has begun and ended with
	err             error             // of the last try
	moved           chan struct{}     // closed and replaced when tried moves on
	stalled         bool              // a write takes so long that nobody waits any more
	timer           *time.Timer       // wakes the writer for what nobody waits for
	outdated        recurrence        // the file is out of date; only the writer uses it
	settingsWrite   *pending          // the last write of settingsPath; only the writer uses these two
	settingsWritten map[string]string // what was written there
}

func newStateFile(path, settingsPath string, s State, save func(string, State) error, warn func(string, ...any)) *stateFile {
	f := &stateFile{
		path: path, settingsPath: settingsPath, state: s, save: save, warn: warn,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), idle: make(chan struct{}), moved: make(chan struct{}),
	}
	go f.write()
	return f
}

// update changes the state; the change is in the file soon.
func (f *stateFile) update(change func(*State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	f.made++
	if f.timer == nil && f.err == nil { // what has failed is tried again anyway
		f.timer = time.AfterFunc(stateDelay, f.nudge)
	}
}

// change changes the state, and has it written now: see await.
func (f *stateFile) change(change func(*State)) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	f.made++
	f.nudge()
	return f.made
}

// await returns when the n-th change is in the file, when it could not be
// written, of which the writer warns, or when the disk takes too long.
func (f *stateFile) await(n int) error {
	patience := time.NewTimer(statePatience)
	defer patience.Stop()
	for {
		f.mu.Lock()
		tried, err, moved, stalled := f.tried, f.err, f.moved, f.stalled
		f.mu.Unlock()
		switch {
		case tried >= n:
			return err
		case stalled:
			return errStateSlow
		}
		select {
		case <-moved:
		case <-f.quit:
			return fs.ErrClosed
		case <-patience.C:
			f.mu.Lock()
			f.stalled = f.tried < n
			f.mu.Unlock()
			f.warn("state is out of date", "error", errStateSlow)
			return errStateSlow
		}
	}
}

func (f *stateFile) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// write writes what is to be written until the file is removed.
func (f *stateFile) write() {
	defer close(f.idle)
	retry := time.NewTimer(0)
	retry.Stop()
	defer retry.Stop()
	pause := stateRetry
	for {
		select {
		case <-f.wake:
		case <-retry.C:
		case <-f.quit:
			return
		}
		select {
		case <-f.quit: // before all else: what is written now would be left behind
			return
		default:
		}
		if f.writeOnce() {
			retry.Stop()
			pause = stateRetry
			continue
		}
		retry.Reset(pause)
		pause = min(2*pause, stateRetryMax)
	}
}

// writeOnce reports whether the file has the state now.
func (f *stateFile) writeOnce() bool {
	f.mu.Lock()
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	n := f.made
	content := f.copied()
	f.mu.Unlock()
	f.writeProgramSettings(content) // before: who reads in the other that a reload is done reads this one, too
	err := f.save(f.path, content)
	f.mu.Lock()
	waited := f.stalled
	f.tried, f.err, f.stalled = n, err, false
	close(f.moved)
	f.moved = make(chan struct{})
	f.mu.Unlock()
	switch {
	case err == nil:
		if f.outdated.clear() > 0 || waited {
			f.warn("state is up to date again")
		}
	case f.outdated.raise(time.Now()):
		f.warn("state is out of date", "error", err)
	}
	return err == nil
}

// writeProgramSettings writes [State.ProgramSettings] where it has changed. The file may be
// on another disk than the state, which may hang: that costs the writer settingsPatience once. Without it `status` says less, and
// nothing that is wrong: the file names the process of which it speaks, and stays
// behind it.
func (f *stateFile) writeProgramSettings(s State) {
	if s.ProgramSettings == nil || f.settingsWritten != nil && maps.Equal(s.ProgramSettings, f.settingsWritten) || f.settingsWrite != nil && !f.settingsWrite.ended() {
		return
	}
	f.settingsWrite = begin("write the settings in force", func() error { return state.WriteProgramSettings(f.settingsPath, s.Process, s.ProgramSettings) })
	ctx, cancel := context.WithTimeout(context.Background(), settingsPatience)
	defer cancel()
	if f.settingsWrite.wait(ctx) == nil {
		f.settingsWritten = s.ProgramSettings
	}
}

// now is the state as it is now, be it in the file or not.
func (f *stateFile) now() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.copied()
}

// copied is the state of whoever holds mu.
func (f *stateFile) copied() State {
	content := f.state
	if content.Stop != nil {
		stop := *content.Stop // it grows in the meantime
		content.Stop = &stop
	}
	return content
}

// restore has the file written again if somebody removed it.
func (f *stateFile) restore() {
	if _, err := os.Lstat(f.path); !errors.Is(err, fs.ErrNotExist) {
		return // it is there, or the next write will tell
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil { // otherwise it is tried again anyway
		f.nudge()
	}
}

// remove removes the file for good. It leaves a file alone that is still being
// written because the disk hangs. Call it once.
func (f *stateFile) remove() error {
	close(f.quit)
	patience := time.NewTimer(statePatience)
	defer patience.Stop()
	select {
	case <-f.idle:
	case <-patience.C:
		return fmt.Errorf("state file: not removed: %w", errStateSlow)
	}
	if err := files.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}
