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
	// stateDelay limits how late a change is written if nobody waits for it.
	stateDelay = 50 * time.Millisecond
	// stateRetry is the pause before a failed write is repeated. It doubles each time, up to
	// stateRetryMax.
	stateRetry    = time.Second
	stateRetryMax = 30 * time.Second
	// statePatience limits how long the life waits for a write. A disk that hangs costs that
	// time once, not at every change.
	statePatience = 2 * time.Second
	// removePatience limits how long the end of the life waits for a write. A file that is left
	// behind makes an end in order a failure, so a machine that is only slow gets more time.
	removePatience = 10 * time.Second
	// settingsPatience limits how long the writer waits for a write to settingsPath.
	settingsPatience = time.Second
)

// errStateSlow is the result of a write that nobody waits for any more.
var errStateSlow = fmt.Errorf("the write %w of %v", ErrOverrun, statePatience)

// A stateFile keeps the state file up to date. A goroutine of its own writes the changes: at
// once if somebody waits for them, otherwise soon. It repeats failed writes.
type stateFile struct {
	path         string
	settingsPath string // path for [State.ProgramSettings]
	save         func(path string, s State) error
	warn         func(string, ...any) // of the log

	wake chan struct{} // holds one token when there may be something to write now
	quit chan struct{} // closed by remove
	idle chan struct{} // closed when the writer has ended

	mu              sync.Mutex
	state           State
	made            int               // number of changes
	tried           int               // number of changes in the last completed write
	err             error             // of the last write
	moved           chan struct{}     // closed and replaced when tried changes
	tell            func(State)       // see follow
	stalled         bool              // a write takes so long that nobody waits for it any more
	timer           *time.Timer       // wakes the writer for changes that nobody waits for
	outdated        recurrence        // the file is out of date; only the writer uses it
	settingsWrite   *pending          // the last write of settingsPath; only the writer uses these two
	settingsWritten map[string]string // the content of settingsPath
}

func newStateFile(path, settingsPath string, s State, save func(string, State) error, warn func(string, ...any)) *stateFile {
	f := &stateFile{
		path: path, settingsPath: settingsPath, state: s, save: save, warn: warn,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), idle: make(chan struct{}), moved: make(chan struct{}),
	}
	go f.write()
	return f
}

// update changes the state. The change is written soon.
func (f *stateFile) update(change func(*State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	f.made++
	if f.timer == nil && f.err == nil { // a failed write is repeated anyway
		f.timer = time.AfterFunc(stateDelay, f.nudge)
	}
}

// follow calls tell with the state now, and whenever it is written. tell must not block.
func (f *stateFile) follow(tell func(State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tell = tell
	tell(f.copied())
}

// change changes the state and has it written now. It returns the number of the change, for
// await.
func (f *stateFile) change(change func(*State)) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	f.made++
	f.nudge()
	return f.made
}

// await blocks until the n-th change is in the file, its write has failed, or the disk takes
// too long. The writer logs failures.
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

// write writes changes until the file is removed.
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
		case <-f.quit: // checked first, because a write now would leave a file behind
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

// writeOnce writes the state, and reports whether the write succeeded.
func (f *stateFile) writeOnce() bool {
	f.mu.Lock()
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	n := f.made
	content := f.copied()
	if f.tell != nil {
		f.tell(content)
	}
	f.mu.Unlock()
	f.writeProgramSettings(content) // first: whoever reads in the state file that a reload is done reads the settings, too
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

// writeProgramSettings writes [State.ProgramSettings] if it has changed. The file may be on
// another disk than the state. If that disk hangs, the writer loses settingsPatience once.
// Without the file `status` says less but nothing wrong: the file names the process that it
// describes, and remains after that process. Without a configuration file there are no
// such settings, and nothing to compare with.
func (f *stateFile) writeProgramSettings(s State) {
	if s.ConfigFile == "" || s.ProgramSettings == nil || f.settingsWritten != nil && maps.Equal(s.ProgramSettings, f.settingsWritten) || f.settingsWrite != nil && !f.settingsWrite.ended() {
		return
	}
	f.settingsWrite = begin("write the settings in force", func() error { return state.WriteProgramSettings(f.settingsPath, s.Process, s.ProgramSettings) })
	ctx, cancel := context.WithTimeout(context.Background(), settingsPatience)
	defer cancel()
	if f.settingsWrite.wait(ctx) == nil {
		f.settingsWritten = s.ProgramSettings
	}
}

// now returns the current state, whether it is in the file or not.
func (f *stateFile) now() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.copied()
}

// copied returns a copy of the state. The caller holds mu.
func (f *stateFile) copied() State {
	content := f.state
	if content.Stop != nil {
		stop := *content.Stop // the original changes meanwhile
		content.Stop = &stop
	}
	return content
}

// restore writes the file again if somebody removed it.
func (f *stateFile) restore() {
	if _, err := os.Lstat(f.path); !errors.Is(err, fs.ErrNotExist) {
		return // the file exists, or the next write will report the error
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil { // otherwise the write is repeated anyway
		f.nudge()
	}
}

// remove removes the file for good. It leaves the file alone if a hanging disk still writes
// it. It must be called once.
func (f *stateFile) remove() error {
	close(f.quit)
	patience := time.NewTimer(removePatience)
	defer patience.Stop()
	select {
	case <-f.idle:
	case <-patience.C:
		return fmt.Errorf("state file: not removed: the write %w of %v", ErrOverrun, removePatience)
	}
	if err := files.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}
