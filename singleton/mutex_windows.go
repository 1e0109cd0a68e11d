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

// errTaken means that another process has the lock, or the named mutex.
var errTaken = files.ErrLocked

// A mutex is the file whose lock decides who holds the name. With it come the named kernel
// mutexes for our two other files. Anybody can create those, so they decide nothing, but they
// keep out versions that know nothing else.
type mutex struct {
	file   *heldFile
	locked bool
	names  []string
	named  []windows.Handle // one for each name; 0: not ours
}

func newMutex(o Options) mutex {
	names := o.Mutexes()
	file := &heldFile{path: o.MutexFile(), handle: handle{private: true}}
	return mutex{file: file, names: names, named: make([]windows.Handle, len(names))}
}

func (m *mutex) held() bool         { return m.locked }
func (m *mutex) files() []*heldFile { return []*heldFile{m.file} }

// lock locks the mutex, or fails with errTaken.
func (m *mutex) lock() error {
	err := m.file.lock()
	m.locked = err == nil
	return err
}

// claim creates the named mutexes, and returns the names that another process has.
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

// complete claims the names that another process had at our start, once they are free.
func (m *mutex) complete() {
	if slices.Contains(m.named, 0) {
		_, _ = m.claim()
	}
}

// close gives up the file, which decides, last.
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

// lock opens or creates the file at path, and locks it. While it is open, nobody can remove or
// rename it, because we do not share it for deletion. A reader that shares nothing may prevent
// the opening for a moment.
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

// patiently opens a file that another process may have open for a moment.
func patiently(path string, flag int, mode fs.FileMode) (*os.File, error) {
	for retry := newRetry(); ; {
		file, err := files.Open(path, flag, mode)
		if !errors.Is(err, files.ErrInUse) || !retry.wait() {
			return file, err
		}
	}
}

// secure restricts the file to those who may lock it. It returns the others who could open it
// before, or "". Those may still have it open, and could lock it once we have ended. So in
// that case secure gives up the lock and moves the file away, if they let us. The caller has
// to lock it again.
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

// relock locks the file. It waits for processes that try to lock or probe it meanwhile.
func (f *heldFile) relock() error {
	for retry := newRetry(); ; {
		err := f.lock()
		if !errors.Is(err, errTaken) || !retry.wait() {
			return err
		}
	}
}
