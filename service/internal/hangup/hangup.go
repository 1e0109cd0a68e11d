// Package hangup keeps a SIGHUP from killing a service that does not handle it yet. A manager
// may request a reload as soon as the process exists. A SIGHUP that is caught here is dropped,
// which does no harm, because the service has yet to read its configuration.
//
// This begins before main. Go initialises packages without pending imports in the order of
// their paths (go.dev/ref/spec#Package_initialization). This package imports so little that it
// comes before fmt, net and everything that they and our dependencies initialise. It must not
// change the behaviour of other programs that merely import it: see [Early].
package hangup

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace limits how long the signal is held for main to call [Early].
const grace = 2 * time.Second

// early is the only effect of importing this package. It exists only in a process that is
// about to be a service, and for no longer than grace.
var early = claim()

// A Hold catches SIGHUP. A nil Hold catches nothing.
type Hold struct {
	caught chan os.Signal
	grace  *time.Timer // nil: not released automatically
}

func claim() *Hold {
	if !expected() {
		return nil
	}
	h := fresh()
	if h != nil {
		h.grace = time.AfterFunc(grace, h.Release)
	}
	return h
}

// fresh catches SIGHUP, unless nohup(1) or another parent made the process ignore it.
func fresh() *Hold {
	if signal.Ignored(syscall.SIGHUP) {
		return nil
	}
	h := &Hold{caught: make(chan os.Signal, 1)}
	signal.Notify(h.caught, syscall.SIGHUP)
	return h
}

// Early returns the Hold that exists since packages were initialised. The caller may release
// it, or keep it forever. Early returns nil to all but the first caller, after two seconds,
// and unless an argument is "run", or the environment says that systemd, spawn or supervise
// started this very process.
func Early() *Hold {
	if early == nil || !early.grace.Stop() {
		return nil
	}
	return early
}

// Take catches SIGHUP from now on, if it is not caught already. If the process ignores SIGHUP,
// Take changes nothing and returns nil.
func Take() *Hold {
	if h := Early(); h != nil {
		return h
	}
	return fresh()
}

// Release restores the default effect of SIGHUP. A SIGHUP that was caught takes effect, since
// it means the end of a terminal whose command must not continue. Release then returns only if
// SIGHUP is handled or ignored elsewhere meanwhile, after a second.
func (h *Hold) Release() {
	if h == nil {
		return
	}
	signal.Stop(h.caught)
	select {
	case <-h.caught:
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Signal(syscall.SIGHUP)
			time.Sleep(time.Second) // the signal may be delivered to another thread
		}
	default:
	}
}
