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

// asked is what other processes ask of this one where the system has no signals
// for it.
type asked struct{ stop func() error }

// listen hands that to the host until the host is closed. The error tells why
// others cannot ask; the asked is usable all the same.
func listen(to interface{ Ask(s os.Signal) }) (asked, error) {
	signals, stop, err := proc.Listen()
	if err != nil {
		if errors.Is(err, errors.ErrUnsupported) { // there are signals
			err = nil
		}
		return asked{func() error { return nil }}, err
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
	return asked{sync.OnceValue(func() error { close(over); return stop() })}, nil
}

// console is a posix.Host that other processes can ask, too.
type console struct {
	*posix.Host
	asked
}

// Close stops listening.
func (c *console) Close(exitCode int) error { return errors.Join(c.stop(), c.Host.Close(exitCode)) }

// managed is a scm.Host that other processes can ask, too.
type managed struct {
	*scm.Host
	asked
}

// Close stops listening, then reports the exit code, after which nothing comes.
func (m *managed) Close(exitCode int) error { return errors.Join(m.stop(), m.Host.Close(exitCode)) }

// underSCM is the host of a process that the SCM started; the error is
// scm.ErrNotService if it did not.
func underSCM() (host platform.Host, doubt, err error) {
	h, err := scm.Listen()
	if err != nil {
		return nil, nil, err
	}
	a, doubt := listen(h)
	return &managed{h, a}, doubt, nil
}
