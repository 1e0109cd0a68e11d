package singleton

import (
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// account returns the user of our token.
func account(self proc.Identity) (uid int, sid string, err error) {
	sid, err = proc.Owner(self.PID)
	return os.Geteuid(), sid, err
}

// take locks the mutex, verifies that nobody holds the name by other means, and writes the
// files.
//
// Versions without a mutex file hold the name by named mutexes. Anybody can create those
// before us, so a named mutex counts only if a process is found that may be its holder.
func (l *Lock) take() error {
	if err := l.takeMutex(); err != nil {
		return err
	}
	if err := l.describe(); err != nil {
		return err
	}
	others, err := l.mutex.file.secure()
	if err != nil {
		return err
	}
	if others != "" {
		l.found = append(l.found, fmt.Errorf("%s could be opened, and therefore locked, by %s: their access is removed", l.mutex.file.path, others))
		if err := l.takeMutex(); err != nil {
			return err
		}
	}
	if err := l.takeNames(); err != nil {
		return err
	}
	for _, f := range []*heldFile{l.record, l.pid} {
		err := f.write()
		if errors.Is(err, files.ErrInUse) { // the file only describes, and Check tries again
			l.found = append(l.found, fmt.Errorf("%w: the service started anyway, but other processes cannot see that it runs: "+
				"end the process that has the file open (Sysinternals' handle.exe names it)", err))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// takeNames claims the named mutexes that are free, and records who has the others. It returns
// a HeldError if that may be a holder.
func (l *Lock) takeNames() error {
	for retry := newRetry(); ; {
		taken, err := l.mutex.claim()
		if err != nil || len(taken) == 0 {
			return err
		}
		h, unknown := readHolder(l.o)
		if unknown == nil {
			return &HeldError{Name: l.o.Name, Holder: h}
		}
		if retry.wait() { // perhaps a holder that is ending, or has not yet written its record
			continue
		}
		for _, name := range taken {
			held, squatted := examine(name, unknown)
			if held {
				return &HeldError{Name: l.o.Name}
			}
			if squatted != nil {
				l.found = append(l.found, squatted)
			}
		}
		return nil
	}
}
