package platform

import "time"

// Host is whatever started this process and may ask something of it: an init
// system, a shell, the Windows service control manager.
//
// One goroutine receives from Requests; Notify may be called by several.
type Host interface {
	Notifier
	// Name is the manager that started us, "" if a person did.
	Name() string
	// Requests delivers what is asked, in order, from the moment the Host
	// exists. A storm of reload requests may arrive as one; a stop request is
	// never lost behind it. The channel is never closed.
	Requests() <-chan Request
	// Watchdog is how long the host waits for [Notice.Alive] before it takes
	// the process for dead; 0 if it does not watch.
	Watchdog() time.Duration
	// Close reports the exit code where the platform wants it reported, and
	// stops listening: requests that come afterwards are ignored.
	Close(exitCode int) error
}

// ExitCoder is a [Host] whose manager takes exit codes for something else than
// we do: launchd restarts after all of them but 0.
type ExitCoder interface {
	// ExitCode is the code that the process leaves with so that the manager does
	// what code means.
	ExitCode(code int) int
}

// Configurable is a [Host] that adapts to the configuration of the service.
type Configurable interface {
	// Configure is called once, as soon as the configuration is known. It does
	// not wait for the manager.
	Configure(c HostConfig)
}

// HostConfig is what a [Host] has to know of the configuration.
type HostConfig struct {
	StartTimeout time.Duration // to readiness, between two signs of progress
	StopTimeout  time.Duration // until our own forced exit
	Events       bool          // somebody wants to hear of a RequestEvent
}

// Request is one thing that the outside asks for.
type Request struct {
	Kind   RequestKind
	Source string // "SIGTERM", "PARAMCHANGE", ...: for the log
	Event  Event  // of a RequestEvent
	// Shutdown says of a RequestStop that the machine goes down. Only Windows says so.
	Shutdown bool
}

// RequestKind is what is asked for.
type RequestKind int

// The kinds of request.
const (
	RequestStop RequestKind = iota + 1
	RequestReload
	RequestEvent // nothing is asked: something happened to the machine
)

// Event is something that happened to the machine, for those programs that want
// to know. Windows has them.
type Event struct {
	Kind    EventKind
	Session int // of the session events: the number of the session
}

// EventKind is what happened.
type EventKind string

// The kinds of event, named for the WTS_ and PBT_ codes of Windows' HandlerEx.
const (
	EventConsoleConnect    EventKind = "console-connect"
	EventConsoleDisconnect EventKind = "console-disconnect"
	EventRemoteConnect     EventKind = "remote-connect"
	EventRemoteDisconnect  EventKind = "remote-disconnect"
	EventLogon             EventKind = "logon"
	EventLogoff            EventKind = "logoff"
	EventLock              EventKind = "lock"
	EventUnlock            EventKind = "unlock"
	EventSuspend           EventKind = "suspend" // in about two seconds
	EventResume            EventKind = "resume"
	EventPowerChange       EventKind = "power-change" // from or to the battery
)

// Notifier tells the outside where the service stands.
type Notifier interface {
	// Notify sends n at once and does not wait for anybody to read it. Where
	// nobody listens it does nothing. An error means that the message was lost, or
	// that it waits for room (ErrTimeout), never that the service is unwell.
	Notify(n Notice) error
}

// Notice is one message to the outside; a zero field says nothing.
type Notice struct {
	Phase  Phase         // PhaseReady, PhaseReloading or PhaseStopping
	Text   string        // status text for people
	Extend time.Duration // allow this much more time from now
	Step   string        // a step of the start or the stop that has ended
	Alive  bool          // feeds the watchdog
}
