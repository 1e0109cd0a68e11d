package platform

import (
	"context"
	"time"
)

// A Manager is an init system that manages services: systemd, launchd, ...
//
// Plan and Removal change nothing. They return, as data, what an installer has to do. The
// other methods act on the installed service. They return when the requested state is reached,
// ctx ends or the manager gives up. For an unknown service they return [ErrNotInstalled], and
// for one that holdfast did not make [ErrForeign]; only Status describes such a service. A
// Manager may be used by several goroutines.
type Manager interface {
	// Name returns the value for --manager: "systemd", "sysv", "openrc", "launchd", "scm",
	// "kubernetes", "compose".
	Name() string

	// Plan returns the steps, in order, that install u in place of an earlier installation by
	// holdfast. [Definition.Replace] decides about a definition that holdfast did not make. If
	// u has a setting that the manager cannot honour, the error wraps [ErrBadUnit]; a setting
	// is never ignored silently.
	Plan(ctx context.Context, u Unit) ([]Step, error)
	// Removal returns the steps that stop and uninstall id and leave nothing behind. If id is
	// not installed, there are no steps and no error.
	Removal(ctx context.Context, id ID) ([]Step, error)

	Start(ctx context.Context, id ID) error   // returns when the service is ready
	Stop(ctx context.Context, id ID) error    // returns when the process has ended
	Restart(ctx context.Context, id ID) error // stop, then start
	Reload(ctx context.Context, id ID) error  // returns the outcome: [ErrRejected] if the program refused

	// Status does not fail if the service is merely absent: see Status.Installed.
	Status(ctx context.Context, id ID) (Status, error)
	// Logs returns the command that shows the last n lines of the service's log and, if follow
	// is set, what is added later. It returns nil if the manager keeps no log.
	Logs(id ID, n int, follow bool) []string
}

// An Inventory is a [Manager] that watches no processes, so its Status has to ask the program.
// The program itself calls Inventory, which does not.
type Inventory interface {
	// Inventory returns a Status without what the program says: only Installed, Enabled and
	// Definition are set, and Phase is empty.
	Inventory(ctx context.Context, id ID) (Status, error)
}

// A Renderer is a [Manager] that only makes plans, such as a manifest for a cluster. Others
// carry them out. The methods that act return [ErrUnsupported], and Status knows nothing.
type Renderer interface {
	Manager
	// Apply returns the command that takes the content of the planned file on its standard
	// input, for people.
	Apply() string
	// StateDir returns the state directory of a service for which none is configured.
	StateDir(id ID) string
}

// A Warner is a [Manager] that can say, before an install, what will not work as intended,
// although it can be installed.
type Warner interface {
	// Warnings returns sentences for people. It never fails: if it cannot find something out,
	// it does not warn.
	Warnings(ctx context.Context, u Unit) []string
}

// A Registry is a [Manager] whose definitions are not files.
type Registry interface {
	// Registered returns what the machine has now in place of the payload of s, a step of
	// Plan. The result has the same type as that payload, and is nil if there is nothing. The
	// second result reports whether such a payload is a definition at all.
	Registered(ctx context.Context, id ID, s Step) (payload any, definition bool)
}

// A Phase is a stage in the life of a service.
type Phase string

// The phases, in the order of a life.
const (
	PhaseStopped   Phase = "stopped"
	PhaseStarting  Phase = "starting"
	PhaseReady     Phase = "ready"
	PhaseReloading Phase = "reloading"
	PhaseStandby   Phase = "standby" // ready to lead its cluster, which another instance leads
	PhaseStopping  Phase = "stopping"
	PhaseFailed    Phase = "failed"  // stopped, but not on request
	PhaseUnknown   Phase = "unknown" // the manager could not say
)

// A Status is what a manager knows about a service.
type Status struct {
	Manager string
	// Installed reports whether holdfast installed the service. A service that others
	// installed has a Definition too, and the fields below then describe it.
	Installed bool
	Enabled   bool // starts automatically at boot or login
	Phase     Phase
	PID       int       // 0: none
	Since     time.Time // when Phase began; zero: unknown
	Restarts  int       // by the manager, since the last start by hand
	LastExit  *Exit     // nil: it has never ended, or the manager has forgotten
	EndedAt   time.Time // when LastExit happened; zero: unknown
	Text      string    // the program's status text
	// Next is the start that the manager will try automatically while nothing runs. It is nil
	// if the manager will not try, or does not say.
	Next *NextTry
	// GaveUp means that the service has reached its restart limit. The manager starts it only
	// by hand now.
	GaveUp bool
	// AtLogin means that an Enabled service starts when its user logs in, and not at boot.
	AtLogin bool
	// Assumed means that PhaseReady follows only from what the manager has done. The process
	// itself has not said that it is ready.
	Assumed bool
	// Trigger is the state of the units that start the service for a connection. It is nil
	// unless the service was installed with [ActivationSocket].
	Trigger *Trigger
	// Definition is the manager's definition of the service. It is nil if there is none or if
	// we are not allowed to see it.
	Definition *Definition
}

// A NextTry is an automatic start that a manager plans after a failure.
type NextTry struct {
	At     time.Time     `json:"at"`                 // zero: unknown
	Delay  time.Duration `json:"delay_ns,omitempty"` // longest time between the end and this start; 0: unknown
	Number int           `json:"number"`             // of this restart in the row: 1 is the first after the failure
	Max    int           `json:"max,omitempty"`      // most restarts within Window; 0: no limit, or unknown
	Window time.Duration `json:"window_ns,omitempty"`
}

// A LogFilter selects entries of a log.
type LogFilter struct {
	Lines    int    // number of lines from the end; negative: all
	Follow   bool   // show also what is added later
	Since    string // a time in the manager's notation: "10 min ago", "2026-01-02 15:04:05", "@1767366245"; empty: from the beginning
	Priority string // lowest syslog priority to show: "err", "warning"; empty: all
	JSON     bool   // one object per line
}

// A LogFilterer is a [Manager] whose log can be filtered.
type LogFilterer interface {
	// FilteredLogs returns the command for the entries that f selects. See Manager.Logs.
	FilteredLogs(id ID, f LogFilter) []string
}

// A LogSyncer is a [Manager] whose log may be behind: what a service has printed just before its
// end is perhaps not in it yet.
type LogSyncer interface {
	// SyncLogs blocks until the log has all that was printed before the call, or ctx ends. It
	// may need root.
	SyncLogs(ctx context.Context) error
}

// A LogFiler is a [Manager] that keeps a service's log in a file. The service's user may be
// able to replace that file by another one or by a link, so whoever reads it on behalf of
// somebody else must be careful.
type LogFiler interface {
	// LogFile returns the path of the file that Manager.Logs shows, or "" if there is none.
	LogFile(id ID) string
}

// An Exit says how a process ended.
type Exit struct {
	Clean  bool   `json:"clean"`
	Code   int    `json:"code"`
	Signal string `json:"signal,omitempty"` // "SIGKILL"; empty if no signal killed it
	Reason string `json:"reason"`
	// Means explains a Code that does not come from the program: systemd's 217, or an error
	// code of Windows. Otherwise it is empty.
	Means string `json:"means,omitempty"`
}
