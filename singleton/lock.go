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

	// Taken in this order, so that whoever is refused by the first has not touched
	// the second.
	identity, pid *heldFile
	abandoned     bool
}

// heldFile is one file that keeps its content while we hold it.
type heldFile struct {
	path    string
	content []byte
	signed  bool // on Unix the file ends with its own signature
	grip         // what holds it
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
	record, err := me.record()
	if err != nil {
		return nil, err
	}
	return &Lock{
		o: o, me: me,
		identity: &heldFile{path: o.LockFile(), content: record, signed: true},
		pid:      &heldFile{path: o.PIDFile(), content: []byte(strconv.Itoa(self.PID) + "\n")},
	}, nil
}

// take makes both files ours, then makes sure that nobody holds one of their
// predecessors, then writes.
func (l *Lock) take() error {
	patience := newPatience()
	for _, f := range []*heldFile{l.identity, l.pid} {
		for {
			err := f.lock()
			if err == nil {
				break
			}
			if !errors.Is(err, errTaken) {
				return err
			}
			// Somebody holds it. A holder has written who it is, or will in a
			// moment; a probe is gone in a moment.
			h, unknown := readHolder(l.o)
			if unknown == nil {
				return &HeldError{Name: l.o.Name, Holder: h}
			}
			if !patience.wait() {
				return verdict(l.o, unknown)
			}
		}
	}
	if err := l.checkPredecessors(); err != nil {
		return err
	}
	if err := l.identity.write(); err != nil {
		return err
	}
	return l.pid.write()
}

// Holder is what a refused process is told of us.
func (l *Lock) Holder() Holder { return l.me }

// Release removes the PID file, if it is still ours, and gives the name up.
// What could not be removed is an error; the name is given up all the same.
func (l *Lock) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.removePID()
	if l.identity.held() {
		// We may live on: the record must not name us any more.
		l.identity.content = nil
		err = errors.Join(err, l.identity.write())
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
	if !l.pid.held() || !l.pid.ours() {
		return nil
	}
	if err := files.Remove(l.pid.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove PID file: %w", err)
	}
	return nil
}

// close drops what was taken first last: as long as that is held, nobody else
// comes so far as to take the other.
func (l *Lock) close() {
	l.pid.close()
	l.identity.close()
}

// Check looks whether the files are what we made them and puts them right if
// not. It returns one error for each that was removed or altered (they are
// restored), or that could not be restored (those are [ErrBroken]). After
// Release or Abandon it does nothing.
func (l *Lock) Check() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []error
	for _, f := range []*heldFile{l.identity, l.pid} {
		if !f.held() || l.abandoned {
			continue
		}
		damage, err := f.repair()
		if err != nil {
			found = append(found, fmt.Errorf("%s %s and cannot be restored: %w: %w", f.path, damage, ErrBroken, err))
		} else if damage != "" {
			found = append(found, fmt.Errorf("%s %s: restored", f.path, damage))
		}
	}
	return found
}
