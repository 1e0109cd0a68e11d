// Package hangup keeps a SIGHUP from killing a service that does not listen yet: a
// manager's reload may come as soon as there is a process. What is held is lost
// without harm to the service, which has yet to read its configuration.
//
// It begins before main. Go initialises packages whose imports are done in the
// order of their paths (go.dev/ref/spec#Package_initialization), and this one
// imports so little that it comes before fmt, net and all that they and our
// dependencies take. That must not change what a program is that only imports us: see [Early].
package hangup

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace is how long [Early] may wait for main to come here.
const grace = 2 * time.Second

// early is the one thing that importing us does: in a process that is about to be
// a service, and for no longer than grace.
var early = claim()

// Hold has SIGHUP in its hands. Of nil it holds nothing.
type Hold struct {
	caught chan os.Signal
	grace  *time.Timer // nil: nothing releases it by itself
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

// fresh leaves the process to nohup(1), or whoever else made it ignore SIGHUP.
func fresh() *Hold {
	if signal.Ignored(syscall.SIGHUP) {
		return nil
	}
	h := &Hold{caught: make(chan os.Signal, 1)}
	signal.Notify(h.caught, syscall.SIGHUP)
	return h
}

// Early hands over what is held since packages were initialised; who has it
// releases it, or does not. It is nil for any but the first caller, after two
// seconds, and unless an argument is the word run, or systemd, spawn or supervise
// say in the environment that they started this very process.
func Early() *Hold {
	if early == nil || !early.grace.Stop() {
		return nil
	}
	return early
}

// Take holds SIGHUP from now on, if it is not held already. Where the process
// ignores it that stays so, and the result is nil.
func Take() *Hold {
	if h := Early(); h != nil {
		return h
	}
	return fresh()
}

// Release gives SIGHUP its default effect back, also for one that came meanwhile:
// it is the end of a terminal whose command is not to go on. Then it returns only
// if somebody else has SIGHUP handled or ignored meanwhile, after a second.
func (h *Hold) Release() {
	if h == nil {
		return
	}
	signal.Stop(h.caught)
	select {
	case <-h.caught:
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Signal(syscall.SIGHUP)
			time.Sleep(time.Second) // another thread may be the one that dies of it
		}
	default:
	}
}
