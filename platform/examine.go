package platform

import (
	"context"
	"time"
)

// Examiner is a [Manager] that can say more of a service than where it stands: what of its
// own keeps the service from being what its definition says.
type Examiner interface {
	// Examine asks the machine, and changes nothing. What the manager does not say, and
	// what it is not asked for where the service is not there, is zero.
	Examine(ctx context.Context, id ID) (Examination, error)
}

// Examination is what only the manager itself knows of a service.
type Examination struct {
	// KillAfter is how long after it has asked the service to stop the manager kills it; 0:
	// it does not say, or never does.
	KillAfter time.Duration
	// Unread means that the definition on the disk is not the one that the manager goes by.
	Unread bool
	// Disabled is why it cannot be started, not even by hand, though it is defined; empty: it can.
	Disabled string
	// Broken is why the manager cannot use the definition; empty: it can.
	Broken string
	// Unwatched is why nobody would start again what runs; empty: somebody would, as far as
	// it was defined so.
	Unwatched string
	// NotAtBoot is why a service that is enabled is not started at boot; empty: it is.
	NotAtBoot string
	// Misplaced is how its place among the others is wrong: it is started before what it needs, or
	// not stopped in order at the machine's end; empty: it is not, as far as places are the manager's.
	Misplaced string
	// Leftovers are definitions of that name for another manager.
	Leftovers []Leftover
	// Uses are what the whole service uses of what it may.
	Uses []Use
	// Own are the manager's own command lines by what they mend: one of the Mend constants.
	Own map[string]string
}

// Keys of [Examination.Own].
const (
	MendEnable = "enable" // have it started at boot
	MendAllow  = "allow"  // have it not be disabled or masked
	MendReread = "reread" // have the manager read the definition
	MendLogin  = "login"  // have it started at boot, and not at login only
	MendPlace  = "place"  // take it out of its places, for an install to put it where it belongs
)

// Leftover is a definition for another manager than the one that runs the machine.
type Leftover struct {
	Path string
	Ours bool   // it has holdfast's mark
	Why  string // what it does or does not do here, for people
	// Remove is the command that removes it; empty: there is none that is safe.
	Remove string
}

// Use is how much a service uses of a resource, and how much it may.
type Use struct {
	What      string // "memory", "tasks"
	Used, Max uint64 // Max 0: without limit
}
