package service

import (
	"errors"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// beginTerm begins the term of this run. Its number must not be used before it is on disk.
// recorded is the one in the last-run record, or 0. last is the number of the previous run, as
// far as it is known.
func (l *life) beginTerm(h *holding, recorded uint64) (last uint64, err error) {
	path := h.dirs.termFile(l.id)
	last = recorded
	h.term, err = recovery.BeginTerm(path, last)
	switch {
	case err == nil:
		last = h.term - 1
	case errors.Is(err, recovery.ErrTermLost):
		l.log.Error("the number of this run is derived from the time of day", "term", h.term, "error", err)
	default:
		return 0, err
	}
	h.termKept = begin("write the term", func() error { return recovery.SyncTerm(path) })
	return last, nil
}

// Term returns the term in which this instance serves. Its token is greater than that of every
// earlier one that held the service's name, even across power cuts. A program can write it as
// a fencing token into what it owns, so that a run that was paused and superseded is refused
// there.
//
// Without a [Config.Cluster] the token is the number of this run on this machine, and the term
// is never lost. Term blocks until the number is on disk. If it cannot be written, the service
// fails, and the term is lost and has the token 0.
//
// With a cluster it is the term for which this instance was elected. Only an [Extension] can
// ask before that: Term then blocks until the instance leads, or returns a lost term with the
// token 0 when it is asked to stop. Resign of this term requests the ordered stop, after which
// another instance leads.
func (rt *Runtime) Term() singleton.Term {
	l := rt.l
	if l.cfg.Cluster != nil {
		select {
		case <-l.elected:
			return ledTerm{l.led, l}
		case <-l.stopping.Done():
		}
		select {
		case <-l.elected:
			return ledTerm{l.led, l}
		default:
			return noTerm{}
		}
	}
	<-l.termKept.done
	if err := l.termKept.err; err != nil {
		l.fail(err)
		return noTerm{}
	}
	return singleton.LocalTerm(l.term)
}

// WhenReady returns a channel that is closed when the service has become ready. Programs
// seldom need it: use [Runtime.Go] for work after that.
func (rt *Runtime) WhenReady() <-chan struct{} { return rt.l.served }

// StatePath returns the path of a file in the state directory that is named after the service.
// suffix must distinguish it from holdfast's own files; an example is ".orders".
func (rt *Runtime) StatePath(suffix string) string {
	return filepath.Join(rt.l.dirs.State, rt.l.id+suffix)
}

// termFile returns the path of the number of the last run: see [Runtime.Term].
func (d Dirs) termFile(id string) string { return filepath.Join(d.State, id+".term") }

// JournalFile returns the path of the journal of interrupted work: see package
// service/recovery/journal.
func (d Dirs) JournalFile(id string) string { return filepath.Join(d.State, id+".journal") }
