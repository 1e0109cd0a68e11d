package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// hangup keeps a SIGHUP from killing this process before its command is known. A
// manager's reload may come as soon as there is a process, and loses nothing by
// being dropped here: the service has yet to read its configuration.
type hangup struct{ caught chan os.Signal } // nil: it is not ours

// holdHangup leaves the process to nohup(1), or whoever else made it ignore SIGHUP.
func holdHangup() hangup {
	if signal.Ignored(syscall.SIGHUP) {
		return hangup{}
	}
	h := hangup{make(chan os.Signal, 1)}
	signal.Notify(h.caught, syscall.SIGHUP)
	return h
}

// release gives SIGHUP its default effect back, also for one that came meanwhile:
// it is the end of a terminal whose command is not to go on.
func (h hangup) release() {
	if h.caught == nil {
		return
	}
	signal.Stop(h.caught)
	select {
	case <-h.caught:
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Signal(syscall.SIGHUP)
		}
	default:
	}
}
