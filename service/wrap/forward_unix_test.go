//go:build unix

package wrap_test

import (
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/service/wrap"
)

// nginx stops by SIGQUIT, gunicorn counts its workers by SIGTTIN and SIGTTOU, and others use the signals that mean nothing. They ask
// process 1 of a container for that, which has to pass them on, and must not pass on what it was asked itself.
func TestProcess1PassesAllSignalsOn(t *testing.T) {
	for _, s := range []os.Signal{
		syscall.SIGQUIT, syscall.SIGALRM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGTSTP,
		syscall.SIGTTIN, syscall.SIGTTOU, syscall.Signal(40),
	} {
		if !slices.Contains(wrap.PassedOn(1), s) {
			t.Errorf("process 1 keeps %v", s)
		}
	}
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPIPE, syscall.SIGABRT, syscall.SIGIO} {
		if slices.Contains(wrap.PassedOn(1), s) || slices.Contains(wrap.PassedOn(2), s) {
			t.Errorf("%v is passed on", s)
		}
	}
	if slices.Contains(wrap.PassedOn(2), os.Signal(syscall.SIGQUIT)) {
		t.Error("SIGQUIT no longer shows the stacks")
	}
}
