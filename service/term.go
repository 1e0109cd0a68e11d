package service

import (
	"errors"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/service/recovery"
)

// beginTerm begins the term of this run. Its number must not be used before it is on disk.
// last is the number of the previous run, as far as it is known.
func (l *life) beginTerm(h *holding) (last uint64, err error) {
	path := h.dirs.TermFile(l.id)
	if record, err := recovery.Read(h.dirs.LastRunFile(l.id)); err == nil { // recovery.Begin reports an unreadable record
		last = record.Term
	}
	h.term, err = recovery.BeginTerm(path, last)
	switch {
	case err == nil:
		last = h.term - 1
	case errors.Is(err, recovery.ErrTermLost):
		l.log.Error("the number of this run comes from the time of the day", "term", h.term, "error", err)
	default:
		return 0, err
	}
	h.termKept = begin("write the term", func() error { return recovery.SyncTerm(path) })
	return last, nil
}

// Term returns the number of this run. It is greater than that of every earlier run that held
// the service's name, even across power cuts. A program can write it as a fencing token into
// what it owns, so that a run that was paused and superseded is refused there. Term blocks
// until the number is on disk, and returns an error if it cannot be written.
func (rt *Runtime) Term() (uint64, error) {
	<-rt.l.termKept.done
	if err := rt.l.termKept.err; err != nil {
		return 0, err
	}
	return rt.l.term, nil
}

// WhenReady returns a channel that is closed when the service has become ready. Programs
// seldom need it: use [Runtime.Go] for work after that.
func (rt *Runtime) WhenReady() <-chan struct{} { return rt.l.served }

// StatePath returns the path of a file in the state directory that is named after the service.
// suffix must distinguish it from holdfast's own files; an example is ".orders".
func (rt *Runtime) StatePath(suffix string) string {
	return filepath.Join(rt.l.dirs.State, rt.l.id+suffix)
}

// TermFile returns the path of the number of the last run: see [Runtime.Term].
func (d Dirs) TermFile(id string) string { return filepath.Join(d.State, id+".term") }

// JournalFile returns the path of the journal of interrupted work: see package
// service/recovery/journal.
func (d Dirs) JournalFile(id string) string { return filepath.Join(d.State, id+".journal") }
