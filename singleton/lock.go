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

// Lock is a name that is held. Its methods may be called by several goroutines.
type Lock struct {
	o  Options
	me Holder
	mu sync.Mutex

	mutex       mutex // decides; what follows only describes
	record, pid *heldFile
	abandoned   bool
	found       []error // when the name was taken; the first Check returns it
}

// heldFile is a file that keeps its content while we hold the name.
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
			_ = l.removePID() // empty as it is, it would be taken for that of a dead instance
		}
		l.close()
	}
	err = classify(o, err)
	if errors.Is(err, ErrDenied) {
		// We may not look into another user's directories, or write to them: that
		// his instance runs is the better answer.
		if h, e := probe(o); e == nil {
			err = &HeldError{Name: o.Name, Holder: h}
		}
	}
	return nil, err
}

// newLock is a name that is not held yet, and the directories for its files.
func newLock(o Options) (*Lock, error) {
	for _, dir := range []string{o.StateDir, o.Dir} {
		if err := files.MakeDir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	self, err := proc.Self()
	if err != nil {
		return nil, err
	}
	me := Holder{Identity: self, Since: time.Now(), Origin: o.Origin}
	if me.UID, me.SID, err = account(self); err != nil {
		return nil, err
	}
	me.Image, me.Place = image(self), place(o)
	record, err := me.record()
	if err != nil {
		return nil, err
	}
	return &Lock{
		o: o, me: me, mutex: newMutex(o),
		record: &heldFile{path: o.LockFile(), content: record},
		pid:    &heldFile{path: o.PIDFile(), content: []byte(strconv.Itoa(self.PID) + "\n")},
	}, nil
}

// takeMutex waits for the mutex while one who has it may be a probe, or a holder
// that has not written yet who it is.
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
			return &HeldError{Name: l.o.Name} // nobody but a holder keeps it locked
		}
	}
}

// Holder is what a refused process is told of us.
func (l *Lock) Holder() Holder { return l.me }

// Release removes the PID file, if it is still ours, and gives the name up.
// What could not be removed is an error; the name is given up all the same.
func (l *Lock) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.removePID()
	if l.mutex.held() {
		// We may live on: the record must not name us any more.
		l.record.content = padded(nil)
		err = errors.Join(err, l.record.write())
	}
	l.close()
	return err
}

// Abandon removes the PID file but holds the name until the process ends: for a
// forced exit, while parts of the program may still be at work.
func (l *Lock) Abandon() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abandoned = true
	return l.removePID()
}

// removePID must run while the name is held: afterwards the file may be
// somebody else's.
func (l *Lock) removePID() error {
	if !l.mutex.held() || !l.pid.ours() {
		return nil
	}
	if err := files.Remove(l.pid.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove PID file: %w", err)
	}
	return nil
}

// close gives up last what decides.
func (l *Lock) close() {
	l.pid.close()
	l.record.close()
	l.mutex.close()
}

// Check examines whether the files are what we made them and puts them right if
// not. It returns one error for each that was removed or altered (they are
// restored), or that could not be restored (those are [ErrBroken]). The first
// time it also returns what Acquire had to work around, such as a PID file that
// somebody else had locked, or a squatted name on Windows. After Release or Abandon
// it does nothing.
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
