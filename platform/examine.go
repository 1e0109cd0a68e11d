package platform

import (
	"context"
	"time"
)

// An Examiner is a [Manager] that can report problems of a service beyond its status: why the
// service does not behave as its definition says.
type Examiner interface {
	// Examine asks the machine, and changes nothing. Fields that the manager does not know are
	// zero, and so are those that make no sense for a service that is not installed.
	Examine(ctx context.Context, id ID) (Examination, error)
}

// An Examination is what only the manager knows about a service.
type Examination struct {
	// KillAfter is the time between the manager's request to stop and its kill. 0 means that
	// the manager does not say, or never kills.
	KillAfter time.Duration
	// Unread means that the definition on disk is not the one that the manager uses.
	Unread bool
	// Disabled says why the service cannot be started, not even by hand, although it is
	// defined. It is empty if it can be started.
	Disabled string
	// Broken says why the manager cannot use the definition. It is empty if it can.
	Broken string
	// Unwatched says why nobody would restart the running service. It is empty if somebody
	// would, within the limits of the restart policy.
	Unwatched string
	// NotAtBoot says why an enabled service is not started at boot. It is empty if it is.
	NotAtBoot string
	// Misplaced says what is wrong with the position of the service in the boot order: it
	// starts before a service that it needs, or is not stopped in order at shutdown. It is
	// empty if nothing is wrong, or if the manager has no such positions.
	Misplaced string
	// Leftovers are definitions with this name for other managers.
	Leftovers []Leftover
	// Uses says how much of its limits the whole service uses.
	Uses []Use
	// Own has the manager's own command lines that mend a problem, by Mend constant.
	Own map[string]string
}

// Keys of [Examination.Own].
const (
	MendEnable = "enable" // makes the service start at boot
	MendAllow  = "allow"  // makes it no longer disabled or masked
	MendReread = "reread" // makes the manager read the definition again
	MendLogin  = "login"  // makes it start at boot, not only at login
	MendPlace  = "place"  // removes its positions in the boot order, so that the next install chooses them
)

// A Leftover is a definition for a manager other than the one that runs the machine.
type Leftover struct {
	Path string
	Ours bool   // it has holdfast's mark
	Why  string // what effect it has here, for people
	// Remove is the command that removes it. It is empty if no command is safe.
	Remove string
}

// A Use says how much of a resource a service uses, and how much it may use.
type Use struct {
	What      string // "memory", "tasks"
	Used, Max uint64 // Max 0: no limit
}
