package platform

import (
	"context"
	"time"
)

// Manager is an init system that keeps services: systemd, launchd, ...
//
// Plan and Removal change nothing: they say, as data, what an installer has to
// do. The other calls act on the installed service and return when the wanted
// state is reached, the context ends or the manager gives up. Calls for an
// unknown service return [ErrNotInstalled], those for one that holdfast did not
// make [ErrForeign]; Status describes it. A Manager may be used by several
// goroutines.
type Manager interface {
	// Name is what --manager takes: "systemd", "sysv", "openrc", "launchd", "scm".
	Name() string

	// Plan returns the steps that install u over what holdfast made before, in
	// order; over what somebody else made, as [Definition.Replace] decides.
	// What u asks for and the manager cannot honour is an error that wraps
	// [ErrBadUnit], never dropped.
	Plan(ctx context.Context, u Unit) ([]Step, error)
	// Removal returns the steps that stop and uninstall id and leave nothing
	// behind. An id that is not installed gives no steps and no error.
	Removal(ctx context.Context, id ID) ([]Step, error)

	Start(ctx context.Context, id ID) error   // returns when it is ready
	Stop(ctx context.Context, id ID) error    // returns when it is gone
	Restart(ctx context.Context, id ID) error // stop, then start
	Reload(ctx context.Context, id ID) error  // returns the outcome; [ErrRejected] if the program refused

	// Status never fails for a service that is merely absent: see Status.Installed.
	Status(ctx context.Context, id ID) (Status, error)
	// Logs is the command that shows the service's log, the last n lines,
	// following it if asked; nil where the manager keeps no log.
	Logs(id ID, n int, follow bool) []string
}

// Inventory is a [Manager] that watches no processes and whose Status asks the
// program. Whoever is the program asks for less.
type Inventory interface {
	// Inventory is Status without what the program says: only Installed, Enabled
	// and Definition are set, and Phase is empty.
	Inventory(ctx context.Context, id ID) (Status, error)
}

// Warner is a [Manager] that sees, before an install, what will not be as it is
// meant to be, though it can be installed.
type Warner interface {
	// Warnings are sentences for people. It fails for nobody: what it cannot find out it
	// does not warn of.
	Warnings(ctx context.Context, u Unit) []string
}

// Registry is a [Manager] whose definitions are no files.
type Registry interface {
	// Registered is what is there in the place of the payload of a step of Plan, of
	// the same type: nil if nothing is. The second result reports whether that is a
	// definition at all.
	Registered(ctx context.Context, id ID, s Step) (payload any, definition bool)
}

// Phase is where a service stands in its life.
type Phase string

// The phases, in the order of a life.
const (
	PhaseStopped   Phase = "stopped"
	PhaseStarting  Phase = "starting"
	PhaseReady     Phase = "ready"
	PhaseReloading Phase = "reloading"
	PhaseStopping  Phase = "stopping"
	PhaseFailed    Phase = "failed"  // stopped, and not because anybody asked
	PhaseUnknown   Phase = "unknown" // the manager could not say
)

// Status is what a manager knows of a service.
type Status struct {
	Manager string
	// Installed: by holdfast. What it did not make has a Definition all the same,
	// and then the fields behind this one speak of that.
	Installed bool
	Enabled   bool // starts by itself at boot or login
	Phase     Phase
	PID       int       // 0: none
	Since     time.Time // when Phase began; zero: not known
	Restarts  int       // by the manager, since it was last started by hand
	LastExit  *Exit     // nil: it never ended, or the manager forgot
	EndedAt   time.Time // when LastExit happened; zero: not known
	Text      string    // the program's status text
	// Next is the start that the manager will try by itself while nothing runs; nil:
	// it will not, or does not say.
	Next *NextTry
	// GaveUp means that the manager has started it again as often as it may, and does not
	// any more until somebody starts it by hand.
	GaveUp bool
	// AtLogin means that what is Enabled starts when its user logs in, and not at boot.
	AtLogin bool
	// Assumed means that a Phase of ready is what the manager has done for the
	// service, and not what the process itself has said.
	Assumed bool
	// Definition is what the manager has the service by; nil if it has none, or
	// does not let us see.
	Definition *Definition
}

// NextTry is a start that a manager is going to try after a failure.
type NextTry struct {
	At     time.Time     `json:"at"`                 // zero: it does not say
	Delay  time.Duration `json:"delay_ns,omitempty"` // the longest that it may come after the end; 0: it does not say
	Number int           `json:"number"`             // which one in a row: 1 is the first after the failure
	Max    int           `json:"max,omitempty"`      // how many there may be within Window; 0: without limit, or it does not say
	Window time.Duration `json:"window_ns,omitempty"`
}

// LogFilter narrows a log down.
type LogFilter struct {
	Lines    int    // the last of them; below 0: all
	Follow   bool   // go on with what is added
	Since    string // a time as the manager writes it: "10 min ago", "2026-01-02 15:04:05", "@1767366245"; empty: from the beginning
	Priority string // entries of that syslog priority or a graver one: "err", "warning"; empty: all
	JSON     bool   // one object a line
}

// LogFilterer is a [Manager] whose log can be narrowed down.
type LogFilterer interface {
	// FilteredLogs is like Manager.Logs.
	FilteredLogs(id ID, f LogFilter) []string
}

// LogFiler is a [Manager] that keeps the log of a service in a file. Where that file lies the
// service's user may put another one, or a link: whoever reads it for somebody else takes care.
type LogFiler interface {
	// LogFile is the file that Manager.Logs shows; empty: there is none.
	LogFile(id ID) string
}

// Exit tells how a process ended.
type Exit struct {
	Clean  bool   `json:"clean"`
	Code   int    `json:"code"`
	Signal string `json:"signal,omitempty"` // "SIGKILL"; empty if it exited by itself
	Reason string `json:"reason"`
	// Means is what Code means where it is not the program's: systemd's 217, an error
	// of Windows. Empty otherwise.
	Means string `json:"means,omitempty"`
}
