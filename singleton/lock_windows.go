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

// take makes both mutexes ours, then writes. Nobody can hold the name by other
// means: a mutex is named after the path, whatever file is there.
func (l *Lock) take() error {
	if err := l.takeMutex(); err != nil {
		return err
	}
	if err := l.record.write(); err != nil {
		return err
	}
	return l.pid.write()
}
