package singleton

import (
	"errors"
	"os"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// account is the user of our token.
func account(self proc.Identity) (uid int, sid string, err error) {
	sid, err = proc.Owner(self.PID)
	return os.Geteuid(), sid, err
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
