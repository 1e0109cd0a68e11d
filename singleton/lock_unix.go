//go:build unix

package singleton

import (
	"errors"
	"os"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// account is the effective user, who owns what we make.
func account(proc.Identity) (uid int, sid string, err error) { return os.Geteuid(), "", nil }

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
