package singleton

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// Lock is a name that is held. Its methods may be called by several goroutines.
type Lock struct {
	o  Options
	me Holder
	mu sync.Mutex

	identity, pid *heldFile // taken in this order
	abandoned     bool
}

// heldFile is one file that keeps its content, and the mutex that stands for it.
type heldFile struct {
	path    string
	content []byte
	mutex   windows.Handle // 0 unless held
}

func acquire(o Options) (*Lock, error) {
	for _, dir := range []string{o.StateDir, o.Dir} {
		if err := files.MakeDir(dir, 0o755); err != nil {
			return nil, preferHolder(o, classify(o, err))
		}
	}
	self, err := proc.Self()
	if err != nil {
		return nil, classify(o, err)
	}
	sid, err := proc.Owner(self.PID)
	if err != nil {
		return nil, classify(o, err)
	}
	me := Holder{Identity: self, UID: os.Geteuid(), SID: sid, Since: time.Now(), Origin: o.Origin}
	record, err := me.record()
	if err != nil {
		return nil, classify(o, err)
	}
	l := &Lock{
		o: o, me: me,
		identity: &heldFile{path: o.LockFile(), content: record},
		pid:      &heldFile{path: o.PIDFile(), content: []byte(strconv.Itoa(self.PID) + "\n")},
	}
	if err := l.take(); err != nil {
		l.close()
		return nil, preferHolder(o, classify(o, err))
	}
	return l, nil
}

// preferHolder: we may not look into another user's directories, or write to
// them: that his instance runs is the better answer.
func preferHolder(o Options, err error) error {
	if errors.Is(err, ErrDenied) {
		if h, e := probe(o); e == nil {
			return &HeldError{Name: o.Name, Holder: h}
		}
	}
	return err
}

// take makes both mutexes, then writes.
func (l *Lock) take() error {
	patience := newPatience()
	for _, f := range []*heldFile{l.identity, l.pid} {
		for {
			mutex, err := createMutex(mutexName(f.path))
			if err == nil {
				f.mutex = mutex
				break
			}
			if !errors.Is(err, errTaken) {
				return err
			}
			// A holder has written who it is, or will in a moment; a probe is gone in
			// a moment.
			h, unknown := readHolder(l.o)
			if unknown == nil {
				return &HeldError{Name: l.o.Name, Holder: h}
			}
			if !patience.wait() {
				return verdict(l.o, unknown)
			}
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
	if l.identity.mutex != 0 {
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
	if l.pid.mutex == 0 {
		return nil
	}
	if damage, err := l.pid.damage(); damage != "" || err != nil {
		return nil //nolint:nilerr // it is gone, or none of ours
	}
	if err := files.Remove(l.pid.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove PID file: %w", err)
	}
	return nil
}

// close drops the first mutex last: as long as it is held nobody else comes so
// far as to make the other.
func (l *Lock) close() {
	for _, f := range []*heldFile{l.pid, l.identity} {
		if f.mutex != 0 {
			_ = windows.CloseHandle(f.mutex)
			f.mutex = 0
		}
	}
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
		if f.mutex == 0 || l.abandoned {
			continue
		}
		damage, err := f.damage()
		if err == nil && damage != "" {
			err = f.restore()
		}
		if err != nil {
			found = append(found, fmt.Errorf("%s %s and cannot be restored: %w: %w", f.path, damage, ErrBroken, err))
		} else if damage != "" {
			found = append(found, fmt.Errorf("%s %s: restored", f.path, damage))
		}
	}
	return found
}

// write makes content the whole of the file, in place: those who are just reading
// it would be in the way of a replacement, and they know to read it again. The
// name must be held. Everybody may ask who runs.
func (f *heldFile) write() error {
	file, err := files.Open(f.path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(f.content, 0)
	if err == nil {
		err = file.Truncate(int64(len(f.content)))
	} else {
		_ = file.Truncate(0) // half a record is worse than none
	}
	return errors.Join(err, file.Close())
}

func (f *heldFile) restore() error {
	if err := files.MakeDir(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	return f.write()
}

// damage says what somebody did to the file; nothing if it is as we wrote it.
func (f *heldFile) damage() (string, error) {
	there, err := files.OpenToRead(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "was removed", nil
	case err != nil:
		if info, e := os.Lstat(f.path); e == nil && !info.Mode().IsRegular() {
			return "was replaced", nil
		}
		return "cannot be examined", err
	}
	defer there.Close()
	got, err := io.ReadAll(io.LimitReader(there, int64(len(f.content))+1))
	if err != nil {
		return "cannot be examined", err
	}
	if !bytes.Equal(got, f.content) {
		return "was altered", nil
	}
	return "", nil
}
