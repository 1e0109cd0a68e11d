package native

import (
	"errors"
	"os"
	"sync"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/posix"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A remote lets other processes request a stop or a reload on a system without signals.
type remote struct{ stop func() error }

// listen passes these requests to the host until it is closed. The error says why other
// processes cannot make requests; the remote is valid nevertheless.
func listen(to interface{ Ask(s os.Signal) }) (remote, error) {
	signals, stop, err := proc.Listen()
	if err != nil {
		if errors.Is(err, errors.ErrUnsupported) { // the system has signals
			err = nil
		}
		return remote{func() error { return nil }}, err
	}
	over := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				to.Ask(s)
			case <-over:
				return
			}
		}
	}()
	return remote{sync.OnceValue(func() error { close(over); return stop() })}, nil
}

// console is a posix.Host that also takes requests of other processes.
type console struct {
	*posix.Host
	remote
}

// Close stops listening.
func (c *console) Close(exitCode int) error { return errors.Join(c.stop(), c.Host.Close(exitCode)) }

// managed is a scm.Host that also takes requests of other processes.
type managed struct {
	*scm.Host
	remote
}

// Close stops listening, and then makes the final report with the exit code.
func (m *managed) Close(exitCode int) error { return errors.Join(m.stop(), m.Host.Close(exitCode)) }

// underSCM returns the host of a process that the SCM started. Otherwise the error is
// scm.ErrNotService.
func underSCM() (host platform.Host, warning, err error) {
	h, err := scm.Listen()
	if err != nil {
		return nil, nil, err
	}
	a, warning := listen(h)
	return &managed{h, a}, warning, nil
}
