package singleton

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// An Elector elects one instance among those on several machines. An engine such as etcd
// provides it.
type Elector interface {
	// Campaign blocks until the caller leads, and returns its term. If ctx ends first,
	// Campaign gives up what it may have won, and returns ctx's cause. It waits for an engine
	// that cannot be reached, and for one that refuses the caller. If it returns another
	// error, it may be called again. It may be called again after a term is over, too.
	Campaign(ctx context.Context) (Term, error)
}

// A Term is the time for which one instance holds a name. Its methods are safe for concurrent
// use.
type Term interface {
	// Token returns the number of the term. It is greater than that of every earlier term of
	// the name: a fencing token. It never changes.
	Token() uint64
	// Lost returns a channel that is closed when the term is lost or will not be renewed. It
	// is nil if the term cannot be lost.
	Lost() <-chan struct{}
	// Deadline returns the time until which nobody else holds the name. It grows with each
	// renewal. It counts from before the renewal was sent, on a clock that also runs while
	// the machine sleeps: see [DeadlineAt]. Ask for it anew each time, since a kept
	// [time.Time] does not notice that the machine slept. The zero time never comes. It is
	// past if somebody else may hold the name already.
	Deadline() time.Time
	// Resign ends the term, so that another instance can begin its own at once. The caller
	// must have ended all work that needs the term. It does not close Lost. After a term that
	// is lost, Resign only releases what the engine keeps for it.
	Resign(ctx context.Context) error
}

// A Causer is a [Term] that knows why it is lost.
type Causer interface {
	// Cause returns why the term is lost or was not renewed the last time, or nil. People read
	// the text, so it must not contain secrets. It does not block.
	Cause() error
}

// DeadlineAt turns a reading of [proc.Boottime] into the deadline of a term. An engine reads
// that clock before it sends a renewal, and adds the time to live. If the clock cannot be
// read, the deadline is past.
func DeadlineAt(boottime time.Duration) time.Time {
	return deadlineAt(boottime, time.Now, proc.Boottime)
}

// deadlineAt reads the clock since boot last: if the process is paused between the two, the
// deadline is too early, and never too late.
func deadlineAt(boottime time.Duration, now func() time.Time, clock func() (time.Duration, error)) time.Time {
	begin := now()
	booted, err := clock()
	if err != nil {
		return time.Unix(0, 0)
	}
	return begin.Add(boottime - booted)
}

// A LocalTerm is the term of a service that holds its name on its own machine. Its value is
// the token. It is never lost, and ends with the process.
type LocalTerm uint64

// Token returns the number of the term.
func (t LocalTerm) Token() uint64 { return uint64(t) }

// Lost returns nil.
func (LocalTerm) Lost() <-chan struct{} { return nil }

// Deadline returns the zero time.
func (LocalTerm) Deadline() time.Time { return time.Time{} }

// Resign does nothing: the next process has to wait for the end of this one.
func (LocalTerm) Resign(context.Context) error { return nil }
