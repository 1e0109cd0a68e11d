//go:build unix

package wrap

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// forward passes on to the command what is no request to a service, and would else end us, or, as
// process 1 of a container, reach nobody. It returns what ends that.
func (p *Program) forward() (end func()) {
	signals, quit := make(chan os.Signal, 16), make(chan struct{})
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case sig := <-signals:
				p.pass(sig)
			case <-quit:
				return
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(quit)
		done.Wait()
	}
}

func (p *Program) pass(sig os.Signal) {
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c == nil {
		return
	}
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.rt.Slog().Warn("a signal was not passed on", "signal", sig.String(), "error", err)
	}
}
