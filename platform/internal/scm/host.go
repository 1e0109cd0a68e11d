package scm

import (
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// ErrNotService means that the SCM did not start this process.
var ErrNotService = errors.New("not started by the service control manager")

// A Host is the SCM that started this process. It turns controls into requests, and notices
// into reports, each in order. Its methods may be called by several goroutines.
type Host struct {
	set      func(Status) error // SetServiceStatus
	stops    chan platform.Request
	reloads  chan platform.Request
	events   chan platform.Request
	requests chan platform.Request
	done     chan struct{} // closed when STOPPED has been reported

	mu     sync.Mutex
	report report
}

var (
	_ platform.Host         = (*Host)(nil)
	_ platform.Configurable = (*Host)(nil)
)

// Listen connects to the SCM if that started this process. Otherwise it returns
// [ErrNotService] at once. The SCM gives a new process 30 s for the connection, so call Listen
// before anything that takes time. From then on the service is START_PENDING. Listen also sets
// those variables of the service's environment that the SCM has not set.
//
// Listen connects only if the parent process is services.exe, because a connecting process can
// take the place of a service that is starting. The parent alone proves nothing, so the answer
// of the SCM decides (ERROR_FAILED_SERVICE_CONTROLLER_CONNECT).
func Listen() (*Host, error) { return listen() }

// Started reports whether the parent process is the SCM.
func Started() bool { return bySCM() }

func newHost(set func(Status) error) *Host {
	h := &Host{
		set: set,
		// The SCM's thread must never block. There is room for a second stop, which forces the
		// first. Several reloads count as one. Events are rare.
		stops:    make(chan platform.Request, 2),
		reloads:  make(chan platform.Request, 1),
		events:   make(chan platform.Request, 64),
		requests: make(chan platform.Request),
		done:     make(chan struct{}),
	}
	go h.relay()
	return h
}

func (h *Host) relay() {
	for {
		var r platform.Request
		select {
		case r = <-h.stops:
		case r = <-h.reloads:
		case r = <-h.events:
		case <-h.done:
			return
		}
		if !h.deliver(r) {
			return
		}
	}
}

func (h *Host) deliver(r platform.Request) bool {
	select {
	case h.requests <- r:
		return true
	case <-h.done:
		return false
	}
}

// introduce tells the host the registration of this service.
func (h *Host) introduce(r Registration) {
	h.mu.Lock()
	h.report.restart, _ = platform.ParseRule(r.Parameters[paramRestart]) // ignore what we have not written
	h.mu.Unlock()
	// The SCM has done this already, but Wine's does not.
	for _, variable := range r.Environment {
		name, value, _ := strings.Cut(variable, "=")
		if _, there := os.LookupEnv(name); !there && name != "" {
			_ = os.Setenv(name, value) // fails only for invalid names
		}
	}
}

// change applies change to the report, and sends the report if that returns true.
func (h *Host) change(change func(*report) bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !change(&h.report) {
		return nil
	}
	return h.set(h.report.now)
}

// Name returns "scm".
func (h *Host) Name() string { return "scm" }

// Requests delivers STOP, SHUTDOWN, PRESHUTDOWN and PARAMCHANGE, and events if
// [Host.Configure] has enabled them. Reload requests are merged while nobody receives.
func (h *Host) Requests() <-chan platform.Request { return h.requests }

// Ask adds a request from another process than the SCM: SIGHUP for a reload, anything else for
// a stop. It blocks until the request is received or the Host is closed.
func (h *Host) Ask(s os.Signal) {
	r := platform.Request{Kind: platform.RequestStop, Source: "SIGTERM"}
	if s == syscall.SIGHUP {
		r = platform.Request{Kind: platform.RequestReload, Source: "SIGHUP"}
	}
	h.deliver(r)
}

// Watchdog returns 0, because the SCM has no watchdog.
func (h *Host) Watchdog() time.Duration { return 0 }

// Configure tells the SCM how long the start may take. It ignores an error, which Notify will
// return again.
func (h *Host) Configure(c platform.HostConfig) {
	_ = h.change(func(r *report) bool { return r.configured(c) })
}

// Notify reports a change of state. In START_PENDING and STOP_PENDING it also reports
// progress.
func (h *Host) Notify(n platform.Notice) error {
	return h.change(func(r *report) bool { return r.notice(n) })
}

// Close reports STOPPED with the SCM's form of the exit code: see the package comment. This is
// the last report, and the process has to end soon.
func (h *Host) Close(exitCode int) error {
	var first bool
	err := h.change(func(r *report) bool {
		first = r.end(exitCode)
		return first
	})
	if first {
		close(h.done)
	}
	return err
}

// errNotImplemented is the answer to unknown controls.
const errNotImplemented = 120

// handle answers a control of the SCM without blocking. eventType and session belong to
// controls that are events. The result is a Windows error code, or 0.
func (h *Host) handle(c Control, eventType uint32, session int) (code uint32) {
	var to chan platform.Request
	r := platform.Request{Source: c.String()}
	switch c {
	case ControlStop, ControlShutdown, ControlPreshutdown:
		r.Kind, r.Shutdown, to = platform.RequestStop, c != ControlStop, h.stops
	case ControlParamChange:
		r.Kind, to = platform.RequestReload, h.reloads
	case ControlInterrogate:
	case ControlSessionChange, ControlPowerEvent:
		var known bool
		if r.Event, known = event(c, eventType, session); !known {
			return 0
		}
		r.Kind, to = platform.RequestEvent, h.events
	default:
		return errNotImplemented
	}
	// STOP_PENDING acknowledges the control. The SCM gets it before the answer.
	_ = h.change(func(r *report) bool { return r.control(c) }) // an error could not be reported to anybody
	select {
	case to <- r: // a nil channel: nothing to deliver
	default:
	}
	return 0
}

// event translates a control into a portable event. known is false if there is no such event.
func event(c Control, eventType uint32, session int) (e platform.Event, known bool) {
	if c == ControlPowerEvent {
		e.Kind, known = map[uint32]platform.EventKind{ // PBT_APM...
			0x4: platform.EventSuspend, 0xa: platform.EventPowerChange,
			0x12: platform.EventResume, // RESUMEAUTOMATIC, after every resume; RESUMESUSPEND may follow
		}[eventType]
		return e, known
	}
	e.Kind, known = map[uint32]platform.EventKind{ // WTS_...
		1: platform.EventConsoleConnect, 2: platform.EventConsoleDisconnect,
		3: platform.EventRemoteConnect, 4: platform.EventRemoteDisconnect,
		5: platform.EventLogon, 6: platform.EventLogoff, 7: platform.EventLock, 8: platform.EventUnlock,
	}[eventType]
	e.Session = session
	return e, known
}
