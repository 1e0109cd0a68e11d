package platform

import (
	"context"
	"os"
	"time"
)

// A Host is whatever started this process and may ask something of it: an init system, a
// shell, the Windows service control manager.
//
// Only one goroutine may receive from Requests. Notify may be called by several.
type Host interface {
	Notifier
	// Name returns the name of the manager that started this process, or "" if a person did.
	Name() string
	// Requests returns the channel that delivers all requests, in order, since the Host was
	// created. Several reload requests in a row may be merged into one; a stop request is
	// never lost behind them. The channel is never closed.
	Requests() <-chan Request
	// Watchdog returns how long the host waits for [Notice.Alive] before it considers the
	// process dead, or 0 if the host does not watch.
	Watchdog() time.Duration
	// Close reports the exit code if the platform wants it reported, and stops listening.
	// Later requests are ignored.
	Close(exitCode int) error
}

// A Keeper is a [Host] whose manager can keep open files for the next process of the service.
// If the manager of this process cannot, the methods return ErrUnsupported.
type Keeper interface {
	// Keep passes a duplicate of the descriptor of f to the manager, which keeps it under
	// name. Several descriptors may have the same name. Keep blocks while the manager does
	// not read, at most until ctx ends.
	Keep(ctx context.Context, name string, f *os.File) error
	// Forget asks the manager to close all descriptors with that name. The manager may close
	// them after Forget has returned. Forget blocks as Keep does.
	Forget(ctx context.Context, name string) error
}

// An ExitCoder is a [Host] whose manager interprets exit codes in its own way. For example,
// launchd restarts a service after every code but 0.
type ExitCoder interface {
	// ExitCode returns the code with which the process must exit, so that the manager does
	// what code means.
	ExitCode(code int) int
}

// A Configurable is a [Host] that adapts to the configuration of the service.
type Configurable interface {
	// Configure is called once, as soon as the configuration is known. It does not wait for
	// the manager.
	Configure(c HostConfig)
}

// A HostConfig has the part of the configuration that a [Host] needs.
type HostConfig struct {
	StartTimeout time.Duration // until it is ready; restarts at each sign of progress
	StopTimeout  time.Duration // until our own forced exit
	Events       bool          // the program handles a RequestEvent
}

// A Request is something that the host asks of this process.
type Request struct {
	Kind   RequestKind
	Source string // for the log: "SIGTERM", "PARAMCHANGE", ...
	Event  Event  // of a RequestEvent
	// Shutdown is set in a RequestStop if the machine is shutting down. Only Windows tells.
	Shutdown bool
}

// A RequestKind says what is requested.
type RequestKind int

// The kinds of request.
const (
	RequestStop RequestKind = iota + 1
	RequestReload
	RequestEvent // no request: something happened to the machine
)

// An Event is something that happened to the machine, for programs that want to know. Only
// Windows has events.
type Event struct {
	Kind    EventKind
	Session int // number of the session, in session events
}

// An EventKind says what happened.
type EventKind string

// The kinds of event, named after the WTS_ and PBT_ codes of HandlerEx on Windows.
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
	EventPowerChange       EventKind = "power-change" // to or from battery
)

// A Notifier tells the host about the state of the service.
type Notifier interface {
	// Notify sends n at once, and does not wait for anybody to read it. If nobody listens, it
	// does nothing. An error means that the message was lost or, if it wraps ErrTimeout, that
	// it waits for room in the socket. It never means that the service is unwell.
	Notify(n Notice) error
}

// A Notice is one message to the host. Zero fields are not sent.
type Notice struct {
	Phase  Phase         // PhaseReady, PhaseReloading or PhaseStopping
	Text   string        // status, for people
	Extend time.Duration // allow this much more time from now
	Step   string        // name of a step of the start or stop that has ended
	Alive  bool          // feeds the watchdog
}
