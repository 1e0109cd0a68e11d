package singleton

import (
	"context"
	"errors"
)

// A Poster is an [Elector] that shows to the other machines what its own machine says.
type Poster interface {
	// Post replaces what this machine shows from its next campaign on, or at once if it
	// campaigns or leads already. It never blocks, and the last of several calls counts. entry
	// must not be changed afterwards, and must not contain secrets.
	Post(entry []byte)
}

// A Roster is what an engine keeps of all machines that compete for a name: what each of them
// shows, and one plan that they change in turns. Commands use it, and not the service. Its
// methods are safe for concurrent use. They return an error if the engine cannot be reached.
type Roster interface {
	// Look returns everything as it was at one instant.
	Look(ctx context.Context) (Board, error)
	// Await blocks until Look would return something else than seen, or ctx ends. It may
	// return earlier.
	Await(ctx context.Context, seen Board) error
	// Change replaces the plan, on the condition that it is still that of seen. Otherwise the
	// error wraps [ErrOvertaken]. After another error, the plan may have been replaced.
	Change(ctx context.Context, seen Board, plan []byte) error
	// Attend shows, until Close or soon after the end of this process, that a command is at
	// work on machine, and for what. It returns when that is visible, and shows it again if
	// the engine was away meanwhile. It may be called once.
	Attend(ctx context.Context, machine, purpose string) error
	// Forget removes a machine that is not live.
	Forget(ctx context.Context, machine string) error
	// Close ends Attend and closes the connection.
	Close() error
}

// ErrOvertaken means that somebody else has changed the plan meanwhile.
var ErrOvertaken = errors.New("the plan was changed by somebody else")

// A Board is the content of a [Roster].
type Board struct {
	Machines []Machine // all that were ever seen, sorted by name
	Plan     []byte    // nil: there is none
	// Revision is greater in a later Board that differs. PlanRevision is that of the plan; 0:
	// there is none.
	Revision, PlanRevision int64
}

// A Machine is one of those that compete for the name.
type Machine struct {
	Name     string
	Entry    []byte // what it showed last; nil: nothing yet
	Live     bool   // its instance is heard from
	Attended string // for what a command is at work there; "" if none is: see [Roster.Attend]
}
