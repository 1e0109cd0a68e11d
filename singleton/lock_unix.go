//go:build unix

package singleton

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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

	// Locked in this order, so that whoever is refused by the first has not
	// touched the second.
	identity, pid *heldFile
	abandoned     bool
}

func acquire(o Options) (*Lock, error) {
	for _, dir := range []string{o.StateDir, o.Dir} {
		if err := files.MakeDir(dir, 0o755); err != nil {
			return nil, classify(o, err)
		}
	}
	self, err := proc.Self()
	if err != nil {
		return nil, classify(o, err)
	}
	me := Holder{Identity: self, UID: os.Geteuid(), Since: time.Now(), Origin: o.Origin}
	record, err := me.record()
	if err != nil {
		return nil, classify(o, err)
	}
	l := &Lock{
		o: o, me: me,
		identity: &heldFile{path: o.LockFile(), content: record, signed: true},
		pid:      &heldFile{path: o.PIDFile(), content: []byte(strconv.Itoa(self.PID) + "\n")},
	}
	if err := l.take(); err != nil {
		if !errors.Is(err, ErrHeld) { // a loser removes nothing
			_ = l.removePID() // empty as it is, it would be taken for that of a dead instance
		}
		l.close()
		err = classify(o, err)
		if errors.Is(err, ErrDenied) {
			// The files of another user's instance cannot be opened for writing:
			// that it runs is the better answer.
			if h, e := probe(o); e == nil {
				err = &HeldError{Name: o.Name, Holder: h}
			}
		}
		return nil, err
	}
	return l, nil
}

// take locks both files, then makes sure that nobody holds one of their
// predecessors, then writes.
func (l *Lock) take() error {
	patience := newPatience()
	for _, f := range []*heldFile{l.identity, l.pid} {
		for {
			err := f.lock()
			if err == nil {
				break
			}
			if !errors.Is(err, errWouldBlock) {
				return err
			}
			// Somebody holds it. A holder has written who it is, or will in a
			// moment; a probe is gone in a moment.
			if h, ok := readHolder(l.o); ok || !patience.wait() {
				return &HeldError{Name: l.o.Name, Holder: h}
			}
		}
	}
	// Who held the name since the lock file was signed has locked this very file,
	// and is gone. Only one that was not signed (it is new, or somebody put it
	// there) can have a predecessor that is still held. To ask takes long: the
	// kernel lists the locks while all of the machine stands still for it, some
	// 10 ms (percpu_down_write in locks_start, fs/locks.c).
	if !l.identity.vouchedFor() {
		if h, found := holderOfRemoved(l.pid.file, l.identity.file); found {
			return &HeldError{Name: l.o.Name, Holder: h}
		}
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
	if l.identity.file != nil {
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

// removePID must run while the lock is held: afterwards the file may be
// somebody else's.
func (l *Lock) removePID() error {
	if l.pid.file == nil || !l.pid.inPlace() {
		return nil
	}
	if err := os.Remove(l.pid.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove PID file: %w", err)
	}
	return nil
}

// close drops the PID file's lock first: as long as the other is held, nobody
// else can come so far as to open it.
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
		if f.file == nil || l.abandoned {
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
