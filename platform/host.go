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

// Request is one thing that the outside asks for.
type Request struct {
	Kind   RequestKind
	Source string // "SIGTERM", "PARAMCHANGE", ...: for the log
}

// RequestKind is what is asked for.
type RequestKind int

// The kinds of request.
const (
	RequestStop RequestKind = iota + 1
	RequestReload
)

// Notifier tells the outside where the service stands.
type Notifier interface {
	// Notify sends n at once and does not wait for anybody to read it. Where
	// nobody listens it does nothing. An error means that the message was lost,
	// never that the service is unwell.
	Notify(n Notice) error
}

// Notice is one message to the outside; a zero field says nothing.
type Notice struct {
	Phase  Phase         // PhaseReady, PhaseReloading or PhaseStopping
	Text   string        // status text for people
	Extend time.Duration // allow this much more time from now
	Alive  bool          // feeds the watchdog
}
