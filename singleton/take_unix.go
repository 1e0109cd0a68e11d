//go:build unix

package singleton

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// account returns the effective user, who owns the files that we create.
func account(proc.Identity) (uid int, sid string, err error) { return os.Geteuid(), "", nil }

// take locks the mutex, verifies that nobody holds the name by other means, and writes the
// files.
//
// Other means are a mutex that was removed while its holder is running, and the locks of
// versions without a mutex: one on each of the other two files. Any user who can read those
// files can lock them, too, so such a lock counts only if a process is found that may be its
// holder. The PID file is kept locked for the sake of those versions, and for systems that do
// not list their locks.
func (l *Lock) take() error {
	if err := l.takeMutex(); err != nil {
		return err
	}
	if err := l.describe(); err != nil {
		return err
	}
	l.record.plain = true
	if err := l.record.open(0); err != nil {
		return err
	}
	p := predecessor{l.o, l.mutex.vouchedFor() && !writtenByOld(l.record.file, l.record.which.Size())}
	if !p.gone {
		if err := p.lock(func() error { return tryLock(l.record.file) }); err != nil && !errors.Is(err, errTaken) {
			return err
		}
	}
	squatted := p.lock(l.pid.lock)
	if squatted != nil && !errors.Is(squatted, errTaken) {
		return squatted
	}
	if !p.gone {
		if h, found := otherHolder(l.mutex.file.file, l.record.file, l.pid); found {
			return &HeldError{Name: l.o.Name, Holder: h}
		}
	}
	if squatted != nil {
		if err := l.replacePID(p); err != nil {
			return err
		}
	}
	if !p.gone {
		if err := l.mutex.sign(); err != nil {
			return err
		}
	}
	if err := l.record.write(); err != nil {
		return err
	}
	return l.pid.write()
}

// A predecessor is what is known about an earlier holder once we have the mutex.
type predecessor struct {
	o    Options
	gone bool // it held this very mutex, and so has ended
}

// lock calls do to lock a file. It returns a HeldError if a holder has locked it, and errTaken
// if an unknown process has.
func (p predecessor) lock(do func() error) error {
	for retry := newRetry(); ; {
		err := do()
		if !errors.Is(err, errTaken) {
			return err
		}
		h, unknown := readHolder(p.o)
		if unknown == nil {
			return &HeldError{Name: p.o.Name, Holder: h}
		}
		if retry.wait() { // a probe ends in a moment
			continue
		}
		if unverified := (*unverifiedError)(nil); errors.As(unknown, &unverified) && !p.gone {
			return &HeldError{Name: p.o.Name}
		}
		return err
	}
}

// replacePID replaces a PID file that another process has locked, unless that could be a
// holder.
func (l *Lock) replacePID(p predecessor) error {
	there, err := files.OpenToRead(l.pid.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l.pid.lock()
	}
	if err != nil {
		return err
	}
	defer there.Close()
	if !p.gone && mayHold(there) {
		return &HeldError{Name: l.o.Name}
	}
	lockers := lockersOf(there)
	l.found = append(l.found, fmt.Errorf("%s was locked by %s, to keep this service from starting: the file is replaced", l.pid.path, describe(lockers)))
	return l.pid.recreate()
}

// mayHold reports whether a process that has the PID file locked may have written it. That is
// so if such a process is found, or if the process whose number is in the file belongs to the
// owner of the file but cannot be examined.
func mayHold(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return true
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	owner := strconv.Itoa(int(st.Uid))
	if lockedBy(file, owner) {
		return true
	}
	pid, err := writtenPID(file)
	if err != nil {
		return false
	}
	if uid, err := proc.Owner(pid); errors.Is(err, proc.ErrGone) || err == nil && uid != owner {
		return false
	}
	return !examinable(pid)
}

func writtenPID(file *os.File) (int, error) {
	content, err := io.ReadAll(io.NewSectionReader(file, 0, 100))
	if err != nil {
		return 0, err
	}
	return ParsePID(content)
}

// A locker is a process that has a file locked.
type locker struct {
	proc.Identity
	uid string // empty: unknown
}

func describe(lockers []locker) string {
	if len(lockers) == 0 {
		return "another process"
	}
	const most = 5
	var all []string
	for i, who := range lockers {
		if i == most {
			all = append(all, fmt.Sprintf("and %d more", len(lockers)-most))
			break
		}
		text := fmt.Sprintf("process %d", who.PID)
		if who.uid != "" {
			text += " of user " + userName(who.uid)
		}
		if who.Exe != "" {
			text += " (" + who.Exe + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// tryLock locks the file for a moment only, and fails with errTaken if another process has it
// locked.
func tryLock(file *os.File) error {
	if err := files.TryLock(file, true); err != nil {
		return err
	}
	return files.Unlock(file)
}

// writtenByOld reports whether a record was written by a version that had no mutex and locked
// the record instead. Such a record ends with the signature of its file.
func writtenByOld(record *os.File, size int64) bool {
	content := make([]byte, min(size, maxRecord))
	n, err := record.ReadAt(content, 0)
	content = bytes.TrimSpace(content[:n])
	last := content[bytes.LastIndexByte(content, '\n')+1:]
	return (err == nil || errors.Is(err, io.EOF)) && bytes.HasPrefix(last, []byte(`{"file":"`))
}
