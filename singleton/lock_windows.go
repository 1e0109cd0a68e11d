package singleton

import (
	"os"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// account is the user of our token.
func account(self proc.Identity) (uid int, sid string, err error) {
	sid, err = proc.Owner(self.PID)
	return os.Geteuid(), sid, err
}

// checkPredecessors has nothing to do: a mutex is named after the path, whatever
// file is there.
func (*Lock) checkPredecessors() error { return nil }
