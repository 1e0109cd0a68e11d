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

// Host is the SCM that started this process. What it orders becomes requests,
// what the service tells becomes reports, each in its turn: none overtakes
// another. Its methods may be called by several goroutines.
type Host struct {
	set      func(Status) error // SetServiceStatus
	stops    chan platform.Request
	reloads  chan platform.Request
	events   chan platform.Request
	requests chan platform.Request
	done     chan struct{} // closed when STOPPED was reported

	mu     sync.Mutex
	report report
}

var (
	_ platform.Host         = (*Host)(nil)
	_ platform.Configurable = (*Host)(nil)
)

// Listen connects to the SCM if it started this process; otherwise the error is
// [ErrNotService], at once. The SCM gives a new process 30 s to do so: call it
// before anything that takes time. From then on the service is START_PENDING.
// It sets those variables of the service's environment that the SCM did not set.
//
// Only a process whose parent is services.exe asks the SCM at all, for whoever asks
// can take the place of a service that is starting; what it answers then counts
// (ERROR_FAILED_SERVICE_CONTROLLER_CONNECT), as the parent alone proves nothing.
func Listen() (*Host, error) { return listen() }

// Started reports whether the SCM has started this process, as far as its parent tells.
func Started() bool { return bySCM() }

func newHost(set func(Status) error) *Host {
	h := &Host{
		set: set,
		// The SCM's thread must never wait. A stop has room for a second one; of
		// reloads one is as good as many; events come seldom.
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

// introduce tells the host what is registered of the service that we are.
func (h *Host) introduce(r Registration) {
	h.mu.Lock()
	h.report.restart, _ = platform.ParseRule(r.Parameters[paramRestart]) // what we have not written says nothing
	h.mu.Unlock()
	// The SCM has done this, but the one of Wine does not.
	for _, variable := range r.Environment {
		name, value, _ := strings.Cut(variable, "=")
		if _, there := os.LookupEnv(name); !there && name != "" {
			_ = os.Setenv(name, value) // fails for impossible names only
		}
	}
}

// change reports what change made of the report, if it made something new.
func (h *Host) change(change func(*report) bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !change(&h.report) {
		return nil
	}
	return h.set(h.report.now)
}

// Name is "scm".
func (h *Host) Name() string { return "scm" }

// Requests delivers STOP, SHUTDOWN and PRESHUTDOWN, PARAMCHANGE, and events if
// [Host.Configure] said that somebody wants them. Reloads are joined while nobody
// receives.
func (h *Host) Requests() <-chan platform.Request { return h.requests }

// Ask adds what another process asks of this one beside the SCM: SIGHUP for a
// reload, anything else for a stop. It blocks until that is received, or the
// Host is closed.
func (h *Host) Ask(s os.Signal) {
	r := platform.Request{Kind: platform.RequestStop, Source: "SIGTERM"}
	if s == syscall.SIGHUP {
		r = platform.Request{Kind: platform.RequestReload, Source: "SIGHUP"}
	}
	h.deliver(r)
}

// Watchdog is 0: the SCM watches nobody.
func (h *Host) Watchdog() time.Duration { return 0 }

// Configure tells the SCM how long the start may take. An error is as good as one
// of Notify, and comes again there.
func (h *Host) Configure(c platform.HostConfig) {
	_ = h.change(func(r *report) bool { return r.configured(c) })
}

// Notify reports a change of state, and in START_PENDING and STOP_PENDING the
// progress that the notice tells of.
func (h *Host) Notify(n platform.Notice) error {
	return h.change(func(r *report) bool { return r.notice(n) })
}

// Close reports STOPPED, with the code in the SCM's terms: see the package
// comment. It is the last report; the process ends soon after it.
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

// errNotImplemented is the answer to controls that we do not know.
const errNotImplemented = 120

// handle answers a control of the SCM and does not wait for anybody. eventType and
// session come with the controls that are events. The result is an error of
// Windows, 0 if there is none.
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
	// STOP_PENDING is the acknowledgement: the SCM gets it before the answer.
	_ = h.change(func(r *report) bool { return r.control(c) }) // who can be told of it?
	select {
	case to <- r: // never, if there is nothing to deliver
	default:
	}
	return 0
}

// event is what happened, in portable words; what they lack is left out.
func event(c Control, eventType uint32, session int) (e platform.Event, known bool) {
	if c == ControlPowerEvent {
		e.Kind, known = map[uint32]platform.EventKind{ // PBT_APM...
			0x4: platform.EventSuspend, 0xa: platform.EventPowerChange,
			0x12: platform.EventResume, // RESUMEAUTOMATIC: after every one; RESUMESUSPEND may follow it
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
