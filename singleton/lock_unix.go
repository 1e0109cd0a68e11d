//go:build unix

package singleton

import (
	"os"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// account is the effective user, who owns what we make.
func account(proc.Identity) (uid int, sid string, err error) { return os.Geteuid(), "", nil }

// checkPredecessors: who held the name since the lock file was signed has locked
// this very file, and is gone. Only one that was not signed (it is new, or
// somebody put it there) can have a predecessor that is still held. To ask takes
// long: the kernel lists the locks while all of the machine stands still for it,
// some 10 ms (percpu_down_write in locks_start, fs/locks.c).
func (l *Lock) checkPredecessors() error {
	if !l.identity.vouchedFor() {
		if h, found := holderOfRemoved(l.pid.file, l.identity.file); found {
			return &HeldError{Name: l.o.Name, Holder: h}
		}
	}
	return nil
}

// verdict: nobody but a holder keeps a file locked.
func verdict(o Options, _ error) error { return &HeldError{Name: o.Name} }
