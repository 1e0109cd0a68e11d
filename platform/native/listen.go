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

// remote is the way by which other processes ask this one for a stop or a reload
// where the system has no signals for it.
type remote struct{ stop func() error }

// listen hands what they ask for to the host until the host is closed. The error
// says why others cannot ask; the remote is usable all the same.
func listen(to interface{ Ask(s os.Signal) }) (remote, error) {
	signals, stop, err := proc.Listen()
	if err != nil {
		if errors.Is(err, errors.ErrUnsupported) { // there are signals
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

// console is a posix.Host that other processes can ask, too.
type console struct {
	*posix.Host
	remote
}

// Close stops listening.
func (c *console) Close(exitCode int) error { return errors.Join(c.stop(), c.Host.Close(exitCode)) }

// managed is a scm.Host that other processes can ask, too.
type managed struct {
	*scm.Host
	remote
}

// Close stops listening, then reports the exit code, after which nothing comes.
func (m *managed) Close(exitCode int) error { return errors.Join(m.stop(), m.Host.Close(exitCode)) }

// underSCM is the host of a process that the SCM started; the error is
// scm.ErrNotService if it did not.
func underSCM() (host platform.Host, warning, err error) {
	h, err := scm.Listen()
	if err != nil {
		return nil, nil, err
	}
	a, warning := listen(h)
	return &managed{h, a}, warning, nil
}
