// Package posix turns Unix signals into requests: SIGTERM and SIGINT ask for a
// stop, SIGHUP for a reload. It is the Host of every program that an init
// system, a container runtime or a shell starts on a Unix system; who is told
// how the service fares is handed in.
//
// SIGQUIT keeps Go's meaning (dump all goroutines and exit 2), SIGPIPE too.
package posix

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Starter is who started us.
type Starter struct {
	Name     string            // of the manager; empty if a person started us
	Notifier platform.Notifier // nil: nobody is told
	Watchdog time.Duration     // see platform.Host
	Files    []*os.File        // descriptors that it handed over
	// ExitCode turns the code of an outcome into the one that makes the starter do
	// what it means; nil: they are the same.
	ExitCode func(int) int
}

// Host receives signals from [Listen] until [Host.Close].
type Host struct {
	starter  Starter
	stops    chan os.Signal
	reloads  chan os.Signal
	requests chan platform.Request
	done     chan struct{}
	closed   sync.Once
}

var (
	_ platform.Host   = (*Host)(nil)
	_ platform.Keeper = (*Host)(nil)
)

// Listen installs the handlers at once: a signal that comes after it returned
// is never left to its default effect, which for SIGHUP is death. Call it
// before anything that takes time, and introduce the starter afterwards.
func Listen() *Host {
	h := &Host{
		// os/signal drops what does not fit. Stops have room for the first and
		// the impatient second; of reloads one is as good as many. A storm of
		// one kind must not crowd out the other, hence two channels.
		stops:    make(chan os.Signal, 2),
		reloads:  make(chan os.Signal, 1),
		requests: make(chan platform.Request),
		done:     make(chan struct{}),
	}
	signal.Notify(h.stops, syscall.SIGTERM)
	// A shell without job control starts background jobs with SIGINT ignored,
	// so that ctrl-C reaches only what runs in the foreground.
	if !signal.Ignored(syscall.SIGINT) {
		signal.Notify(h.stops, syscall.SIGINT)
	}
	// An ignored SIGHUP is not respected: nohup, and init scripts that protect
	// the time before this line, mean "do not die of it", and we do not.
	signal.Notify(h.reloads, syscall.SIGHUP)
	go h.relay()
	return h
}

// Introduce sets who started us. Call it before the Host is used by others.
func (h *Host) Introduce(s Starter) { h.starter = s }

func (h *Host) relay() {
	for {
		var r platform.Request
		select {
		case s := <-h.stops:
			r = platform.Request{Kind: platform.RequestStop, Source: name(s)}
		case s := <-h.reloads:
			r = platform.Request{Kind: platform.RequestReload, Source: name(s)}
		case <-h.done:
			h.outlive()
			return
		}
		select {
		case h.requests <- r:
		case <-h.done:
			h.outlive()
			return
		}
	}
}

// closedGrace is how long a process may take to end after a stop that was asked
// for when all was done.
const closedGrace = 2 * time.Second

// outlive waits for a stop that is asked for after Close. A process that is still
// there after closedGrace hangs, perhaps on its way out, writing to a pipe that
// nobody reads: the next signal has its default effect again, unless somebody
// else listens.
func (h *Host) outlive() {
	<-h.stops
	time.Sleep(closedGrace)
	signal.Stop(h.stops)
}

// Ask adds what another process asks of this one where there are no signals
// between processes, Windows. It blocks until that is received, or the Host is
// closed.
func (h *Host) Ask(s os.Signal) {
	r := platform.Request{Kind: platform.RequestStop, Source: name(s)}
	if s == syscall.SIGHUP {
		r.Kind = platform.RequestReload
	}
	select {
	case h.requests <- r:
	case <-h.done:
	}
}

// Name is the manager's name.
func (h *Host) Name() string { return h.starter.Name }

// Requests delivers one request per signal, except that reloads are joined
// while nobody receives.
func (h *Host) Requests() <-chan platform.Request { return h.requests }

// Watchdog is the interval that was handed in.
func (h *Host) Watchdog() time.Duration { return h.starter.Watchdog }

// Files are the descriptors that the starter handed over.
func (h *Host) Files() []*os.File { return h.starter.Files }

// keeper is a Notifier whose other end keeps open files.
type keeper interface {
	Keep(ctx context.Context, name string, f *os.File) error
	Forget(ctx context.Context, name string) error
}

// Keep is platform.Keeper's.
func (h *Host) Keep(ctx context.Context, name string, f *os.File) error {
	if k, ok := h.starter.Notifier.(keeper); ok {
		return k.Keep(ctx, name, f)
	}
	return platform.ErrUnsupported
}

// Forget is platform.Keeper's.
func (h *Host) Forget(ctx context.Context, name string) error {
	if k, ok := h.starter.Notifier.(keeper); ok {
		return k.Forget(ctx, name)
	}
	return platform.ErrUnsupported
}

// ExitCode is the code that the process has to leave with, so that whoever
// started it does what code means.
func (h *Host) ExitCode(code int) int {
	if h.starter.ExitCode == nil {
		return code
	}
	return h.starter.ExitCode(code)
}

// Notify hands n to the notifier.
func (h *Host) Notify(n platform.Notice) error {
	if h.starter.Notifier == nil {
		return nil
	}
	return h.starter.Notifier.Notify(n)
}

// Close stops listening. The signals stay caught, and do nothing any more: one
// that comes in the last microseconds of a process would turn its exit code into
// a death by signal, which managers take for a clean end. Only where a SIGTERM or
// SIGINT finds the process still alive two seconds later, the next one kills. Who
// goes on living calls signal.Reset. The exit code needs no report here: the
// parent process gets it from the kernel. A notifier that can be closed is; that nobody heard its
// last words is no failure.
func (h *Host) Close(int) error {
	h.closed.Do(func() {
		close(h.done)
		if c, ok := h.starter.Notifier.(io.Closer); ok {
			_ = c.Close()
		}
	})
	return nil
}

func name(s os.Signal) string {
	switch s {
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGHUP:
		return "SIGHUP"
	}
	return s.String()
}
