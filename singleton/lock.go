package singleton

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A Lock is a name that is held. Its methods are safe for concurrent use.
type Lock struct {
	o  Options
	me Holder
	mu sync.Mutex

	mutex       mutex // decides who holds the name; the other files only describe
	record, pid *heldFile
	abandoned   bool
	found       []error // found when the name was taken; returned by the first Check
}

// A heldFile is a file that keeps its content while we hold the name.
type heldFile struct {
	path    string
	content []byte
	handle
}

func acquire(o Options) (*Lock, error) {
	l, err := newLock(o)
	if err == nil {
		if err = l.take(); err == nil {
			return l, nil
		}
		if !errors.Is(err, ErrHeld) { // a loser removes nothing
			_ = l.removePID() // an empty PID file would look like that of a dead instance
		}
		l.close()
	}
	err = classify(o, err)
	if errors.Is(err, ErrDenied) {
		// The directories may belong to another user. If his instance is running,
		// that is the better answer.
		if h, e := probe(o); e == nil {
			err = &HeldError{Name: o.Name, Holder: h}
		}
	}
	return nil, err
}

// newLock returns a Lock that is not held yet, and creates the directories for its files.
func newLock(o Options) (*Lock, error) {
	for _, dir := range []string{o.StateDir, o.Dir} {
		if err := files.MakeDir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return &Lock{o: o, mutex: newMutex(o), record: &heldFile{path: o.LockFile()}, pid: &heldFile{path: o.PIDFile()}}, nil
}

// describe prepares what the files say about this process, which has the mutex. A refused
// process needs none of that.
func (l *Lock) describe() error {
	self, err := proc.Self()
	if err != nil {
		return err
	}
	l.me = Holder{Identity: self, Since: time.Now(), Origin: l.o.Origin}
	if l.me.UID, l.me.SID, err = account(self); err != nil {
		return err
	}
	l.me.Image, l.me.Place = image(self), place(l.o)
	l.pid.content = []byte(strconv.Itoa(self.PID) + "\n")
	l.record.content, err = l.me.record()
	return err
}

// takeMutex locks the mutex. It waits if the process that has it locked may be a probe, or a
// holder that has not yet written its record.
func (l *Lock) takeMutex() error {
	for retry := newRetry(); ; {
		err := l.mutex.lock()
		if !errors.Is(err, errTaken) {
			return err
		}
		h, unknown := readHolder(l.o)
		if unknown == nil {
			return &HeldError{Name: l.o.Name, Holder: h}
		}
		if !retry.wait() {
			return &HeldError{Name: l.o.Name} // only a holder keeps it locked
		}
	}
}

// Holder returns the description of this process that refused processes get.
func (l *Lock) Holder() Holder { return l.me }

// Release removes the PID file if it is still ours, and gives up the name. If a file cannot be
// removed, Release returns an error, but gives up the name nevertheless.
func (l *Lock) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.removePID()
	if l.mutex.held() {
		// The process may continue, so the record must not name it any more.
		l.record.content = padded(nil)
		err = errors.Join(err, l.record.write())
	}
	l.close()
	return err
}

// Abandon removes the PID file but holds the name until the process ends. It is for a forced
// exit, when parts of the program may still be at work.
func (l *Lock) Abandon() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abandoned = true
	return l.removePID()
}

// removePID removes the PID file. It must be called while the name is held, because later the
// file may belong to another process.
func (l *Lock) removePID() error {
	if !l.mutex.held() || !l.pid.ours() {
		return nil
	}
	if err := files.Remove(l.pid.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove PID file: %w", err)
	}
	return nil
}

// close closes the files. It gives up the mutex, which decides, last.
func (l *Lock) close() {
	l.pid.close()
	l.record.close()
	l.mutex.close()
}

// Check verifies the files and restores those that are damaged. It returns one error for each
// file that was removed or altered. The error is [ErrBroken] if the file could not be
// restored. The first call also returns the obstacles that Acquire had to work around, such as
// a PID file that another process had locked, or a squatted name on Windows. After Release or
// Abandon, Check does nothing.
func (l *Lock) Check() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mutex.held() || l.abandoned {
		return nil
	}
	found := l.found
	l.found = nil
	l.mutex.complete()
	for _, f := range append(l.mutex.files(), l.record, l.pid) {
		damage, err := f.repair()
		if err != nil {
			found = append(found, fmt.Errorf("%s %s and cannot be restored: %w: %w", f.path, damage, ErrBroken, err))
		} else if damage != "" {
			found = append(found, fmt.Errorf("%s %s: restored", f.path, damage))
		}
	}
	return found
}
