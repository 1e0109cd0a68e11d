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

// account is the effective user, who owns what we make.
func account(proc.Identity) (uid int, sid string, err error) { return os.Geteuid(), "", nil }

// take makes the mutex ours, then makes sure that nobody holds the name by other
// means, then writes.
//
// Other means are a mutex that was removed while its holder runs, and the locks of
// versions before there was a mutex: one on each of the other two files, which
// any user who can read them can have, too. So such a lock counts only where a
// process is found that may be its holder. We keep one on the PID file, for those
// versions, and for systems that do not list their locks.
func (l *Lock) take() error {
	if err := l.takeMutex(); err != nil {
		return err
	}
	l.record.plain = true
	if err := l.record.open(0); err != nil {
		return err
	}
	p := predecessor{l.o, l.mutex.vouchedFor() && !writtenByOld(l.record.file)}
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

// predecessor is what is known of a holder before us when we have the mutex.
type predecessor struct {
	o    Options
	gone bool // it held this very mutex
}

// lock has do lock a file. It fails with a HeldError if a holder has it locked,
// and with errTaken if somebody does of whom nothing is known.
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
		if retry.wait() { // a probe is gone in a moment
			continue
		}
		if unverified := (*unverifiedError)(nil); errors.As(unknown, &unverified) && !p.gone {
			return &HeldError{Name: p.o.Name}
		}
		return err
	}
}

// replacePID puts a PID file of ours in place of one that somebody else has
// locked, unless that could be a holder.
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
	l.found = append(l.found, fmt.Errorf("%s was locked by %s, to keep us from starting: replaced", l.pid.path, describe(lockers)))
	return l.pid.recreate()
}

// mayHold reports whether one of those who have the PID file locked may have
// written it: one that is found, or the one whose number is in it, where that is a
// process of the file's owner and not for us to examine.
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

// locker is a process that has a file locked.
type locker struct {
	proc.Identity
	uid string // empty: not known
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

// tryLock fails with errTaken if somebody else has the file locked, and locks it
// for a moment only.
func tryLock(file *os.File) error {
	if err := files.TryLock(file, true); err != nil {
		return err
	}
	return files.Unlock(file)
}

// writtenByOld reports whether a record was written by a version that had no mutex
// and locked the record instead: it ends with the signature of its file.
func writtenByOld(record *os.File) bool {
	content, err := io.ReadAll(io.NewSectionReader(record, 0, maxRecord))
	content = bytes.TrimSpace(content)
	last := content[bytes.LastIndexByte(content, '\n')+1:]
	return err == nil && bytes.HasPrefix(last, []byte(`{"file":"`))
}
