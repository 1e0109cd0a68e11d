package service

import (
	"errors"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/service/recovery"
)

// beginTerm begins the term of this run, whose number is for nobody before it is on
// the disk. last is the number of the run before, as far as it is known.
func (l *life) beginTerm(h *holding) (last uint64, err error) {
	path := h.dirs.TermFile(l.id)
	if record, err := recovery.Read(h.dirs.LastRunFile(l.id)); err == nil { // one that cannot be read is told when this run's takes its place
		last = record.Term
	}
	if term, err := recovery.ReadTerm(path); err == nil {
		last = max(last, term)
	}
	h.term, err = recovery.BeginTerm(path, last)
	if errors.Is(err, recovery.ErrTermLost) {
		l.log.Error("the number of this run comes from the time of the day", "term", h.term, "error", err)
	} else if err != nil {
		return 0, err
	}
	h.termKept = begin("write the term", func() error { return recovery.SyncTerm(path) })
	return last, nil
}

// Term is the number of this run: greater than that of every run before it that held
// the service's name, also across power cuts. It is the token to write into what the
// program owns, so that one that was paused and superseded can be refused there. It
// blocks until the number is on the disk, and fails if that cannot be.
func (rt *Runtime) Term() (uint64, error) {
	<-rt.l.termKept.done
	if err := rt.l.termKept.err; err != nil {
		return 0, err
	}
	return rt.l.term, nil
}

// WhenReady is closed when the service has become ready. Programs seldom need it: what
// is to happen afterwards is for [Runtime.Go].
func (rt *Runtime) WhenReady() <-chan struct{} { return rt.l.served }

// StatePath is the path of a file in the state directory that is named after the
// service: suffix is what makes its name another than those of holdfast's own,
// ".orders" for one.
func (rt *Runtime) StatePath(suffix string) string {
	return filepath.Join(rt.l.dirs.State, rt.l.id+suffix)
}

// TermFile is the path of the number of the last run, see [Runtime.Term].
func (d Dirs) TermFile(id string) string { return filepath.Join(d.State, id+".term") }

// JournalFile is the path of the journal of interrupted work, see package
// service/recovery/journal.
func (d Dirs) JournalFile(id string) string { return filepath.Join(d.State, id+".journal") }
