// Package posix turns Unix signals into requests: SIGTERM and SIGINT request a stop, SIGHUP a
// reload. It provides the Host of every program that an init system, a container runtime or a
// shell starts on a Unix system. The Notifier that reports the state of the service is passed
// in.
//
// SIGQUIT keeps Go's meaning (dump all goroutines and exit with code 2), and so does SIGPIPE.
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

// A Starter describes what started this process.
type Starter struct {
	Name     string            // of the manager; empty if a person started us
	Notifier platform.Notifier // nil: nothing is reported
	Watchdog time.Duration     // see platform.Host
	Files    []*os.File        // descriptors that it passed
	// ExitCode converts the code of an outcome into the one that makes the starter do what it
	// means. If it is nil, they are the same.
	ExitCode func(int) int
}

// A Host receives signals from [Listen] until [Host.Close].
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

// Listen installs the signal handlers at once. A signal after its return never has its default
// effect, which for SIGHUP is death. Call it before anything that takes time, and introduce
// the starter afterwards.
func Listen() *Host {
	h := &Host{
		// os/signal drops signals that do not fit. There is room for the first stop and for a
		// second one, which forces it. Several reloads count as one. There are two channels,
		// so that many signals of one kind do not crowd out the other.
		stops:    make(chan os.Signal, 2),
		reloads:  make(chan os.Signal, 1),
		requests: make(chan platform.Request),
		done:     make(chan struct{}),
	}
	signal.Notify(h.stops, syscall.SIGTERM)
	// A shell without job control starts background jobs with SIGINT ignored, so that ctrl-C
	// reaches only the foreground.
	if !signal.Ignored(syscall.SIGINT) {
		signal.Notify(h.stops, syscall.SIGINT)
	}
	// An ignored SIGHUP is caught nevertheless. nohup, and init scripts that protect the time
	// before this line, only mean that the process must not die of it.
	signal.Notify(h.reloads, syscall.SIGHUP)
	go h.relay()
	return h
}

// Introduce sets what started this process. Call it before others use the Host.
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

// closedGrace is how long a process may take to exit after a stop request that arrives after
// Close.
const closedGrace = 2 * time.Second

// outlive waits for a stop request after Close. A process that still exists after closedGrace
// hangs, perhaps while it writes to a pipe that nobody reads. So the next signal has its
// default effect again, unless other code listens for it.
func (h *Host) outlive() {
	<-h.stops
	time.Sleep(closedGrace)
	signal.Stop(h.stops)
}

// Ask adds a request of another process on Windows, which has no signals between processes. It
// blocks until the request is received or the Host is closed.
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

// Name returns the name of the manager.
func (h *Host) Name() string { return h.starter.Name }

// Requests delivers one request per signal, but reload requests are merged while nobody
// receives.
func (h *Host) Requests() <-chan platform.Request { return h.requests }

// Watchdog returns the interval of the Starter.
func (h *Host) Watchdog() time.Duration { return h.starter.Watchdog }

// Files returns the descriptors that the starter passed.
func (h *Host) Files() []*os.File { return h.starter.Files }

// Keep passes f to the Notifier, if its other end keeps open files: see [platform.Keeper].
func (h *Host) Keep(ctx context.Context, name string, f *os.File) error {
	if k, ok := h.starter.Notifier.(platform.Keeper); ok {
		return k.Keep(ctx, name, f)
	}
	return platform.ErrUnsupported
}

// Forget passes name to the Notifier, likewise.
func (h *Host) Forget(ctx context.Context, name string) error {
	if k, ok := h.starter.Notifier.(platform.Keeper); ok {
		return k.Forget(ctx, name)
	}
	return platform.ErrUnsupported
}

// ExitCode returns the code with which the process must exit, so that its starter does what
// code means.
func (h *Host) ExitCode(code int) int {
	if h.starter.ExitCode == nil {
		return code
	}
	return h.starter.ExitCode(code)
}

// Notify passes n to the Notifier.
func (h *Host) Notify(n platform.Notice) error {
	if h.starter.Notifier == nil {
		return nil
	}
	return h.starter.Notifier.Notify(n)
}

// Close stops listening, and closes the Notifier if that is possible, without its error. The
// exit code needs no report: the parent process gets it from the kernel.
//
// The signals stay caught, without an effect. A signal in the last microseconds of a process
// would turn its exit code into a death by signal, which managers consider a clean end. If the
// process still exists two seconds after a SIGTERM or SIGINT, the next one kills it. A caller
// that goes on should call signal.Reset.
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
