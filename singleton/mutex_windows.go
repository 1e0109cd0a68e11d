package singleton

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// errTaken: somebody has the lock, or the name, that we want.
var errTaken = files.ErrLocked

// mutex is the file whose lock decides who holds the name, and the kernel's
// mutexes that stand for our two other files. Anybody can make one of those, so
// they decide nothing; a version that has only them is refused by ours.
type mutex struct {
	file   *heldFile
	locked bool
	names  []string
	named  []windows.Handle // one for each name; 0: it is not ours
}

func newMutex(o Options) mutex {
	names := o.Mutexes()
	file := &heldFile{path: o.MutexFile(), handle: handle{private: true}}
	return mutex{file: file, names: names, named: make([]windows.Handle, len(names))}
}

func (m *mutex) held() bool         { return m.locked }
func (m *mutex) files() []*heldFile { return []*heldFile{m.file} }

// lock makes the mutex ours, or fails with errTaken.
func (m *mutex) lock() error {
	err := m.file.lock()
	m.locked = err == nil
	return err
}

// claim makes the named mutexes ours, and returns those that somebody else has.
func (m *mutex) claim() (taken []string, err error) {
	for i, name := range m.names {
		if m.named[i] != 0 {
			continue
		}
		m.named[i], err = createMutex(name)
		if errors.Is(err, errTaken) {
			taken = append(taken, name)
		} else if err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// complete claims what somebody else had when we started, as soon as he is gone.
func (m *mutex) complete() {
	if slices.Contains(m.named, 0) {
		_, _ = m.claim()
	}
}

// close gives up last what decides.
func (m *mutex) close() {
	for i, h := range slices.Backward(m.named) {
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
		m.named[i] = 0
	}
	m.file.close()
	m.locked = false
}

// lock opens the file at path, or makes it, and locks it. As long as it is open,
// nobody can remove or rename it: we do not share it for deletion. That it
// cannot be opened for a moment is a reader's doing who shares nothing.
func (f *heldFile) lock() error {
	file, err := openMutexFile(f.path, os.O_CREATE)
	if err != nil {
		return err
	}
	if err := files.TryLock(file, false); err != nil {
		_ = file.Close()
		return err
	}
	f.file = file
	return nil
}

func openMutexFile(path string, flag int) (*os.File, error) {
	return patiently(path, os.O_RDONLY|flag, 0o600)
}

// patiently opens a file that somebody may have open for a moment.
func patiently(path string, flag int, mode fs.FileMode) (*os.File, error) {
	for retry := newRetry(); ; {
		file, err := files.Open(path, flag, mode)
		if !errors.Is(err, files.ErrInUse) || !retry.wait() {
			return file, err
		}
	}
}

// secure makes the file one that only those who may lock it can open, and says
// who could before; nobody, if that is empty. What these have opened already they
// could lock when we are gone: so it gives the lock up and moves the file out of
// the way, if they let us, and it has to be locked again.
func (f *heldFile) secure() (others string, err error) {
	who, err := protect(f.path)
	if len(who) == 0 || err != nil {
		return "", err
	}
	f.close()
	aside := filepath.Join(filepath.Dir(f.path), "."+filepath.Base(f.path)+".old")
	_ = os.Remove(aside)
	if os.Rename(f.path, aside) == nil {
		_ = os.Remove(aside)
	}
	for i, sid := range who {
		who[i] = userName(sid)
	}
	return strings.Join(who, ", "), nil
}

// relock waits for those who try to lock the file, or probe, in the meantime.
func (f *heldFile) relock() error {
	for retry := newRetry(); ; {
		err := f.lock()
		if !errors.Is(err, errTaken) || !retry.wait() {
			return err
		}
	}
}
