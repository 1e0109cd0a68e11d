//go:build unix

package wrap

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// forward passes on to the command the signals that are no requests to a service. Otherwise they would
// end this process or, in process 1 of a container, be ignored. The result ends it.
func (p *Program) forward() (end func()) {
	signals, quit := make(chan os.Signal, 16), make(chan struct{})
	signal.Notify(signals, passedOn(os.Getpid())...)
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

// passedOn returns the signals that the process with that PID passes on. Process 1 of a container passes on
// all signals, except the requests to a service, those that report an error of this process, and
// those that the kernel and Go's runtime send to it.
func passedOn(pid int) (signals []os.Signal) {
	if pid != 1 {
		return []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH}
	}
	for s := syscall.Signal(1); s <= lastSignal; s++ {
		switch s {
		case syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGKILL, syscall.SIGSTOP,
			syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV, syscall.SIGSYS,
			syscall.SIGCHLD, syscall.SIGPIPE, syscall.SIGURG, syscall.SIGPROF,
			syscall.SIGIO: // the kernel reports changes of our own files by it
		default:
			signals = append(signals, s)
		}
	}
	return signals
}

// lastSignal is SIGRTMAX of Linux, where alone process 1 is one of ours.
const lastSignal = 64

func (p *Program) pass(sig os.Signal) {
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c == nil {
		return
	}
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.rt.Slog().Warn("a signal could not be passed on to the command", "signal", sig.String(), "error", err)
	}
}
