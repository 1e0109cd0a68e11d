package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// Runtime has the methods of *service.Runtime that a journal needs.
type Runtime interface {
	Term() singleton.Term
	StatePath(suffix string) string
	WhenReady() <-chan struct{}
	Slog() *slog.Logger
	OnStop(name string, timeout time.Duration, fn func(context.Context) error)
}

// Suffix follows the service's name in the name of its journal file.
const Suffix = ".journal"

// Options configure a journal. The zero value has the defaults.
type Options struct {
	// MaxCrashes is the number of crashes after which the work in progress is set aside. 0: 5.
	// A crash is an end that was not requested: a panic, a kill, an expired lease, a machine
	// that went down. A stop is no crash, even if it was forced. Nor is the end of a candidate
	// that is rolled back (see `upgrade`).
	MaxCrashes int
	// Keep and KeepFor limit the number and the age of the ended entries that are kept. Both
	// limits apply. 0: 10,000 entries and 30 days.
	Keep    int
	KeepFor time.Duration
	// MaxBytes is the size at which the journal takes no new work. 0: 1 GiB.
	MaxBytes int64

	// Collect, if it is not nil, returns how work of an earlier run ended whose child is gone.
	// The child may have left its outcome somewhere. The state Begun means that the work is to
	// be tried again: see [Journal.Retry]. False means that it was interrupted.
	Collect func(Entry) (Outcome, bool)
	// Hold, if it is not nil, reports whether the work that Next is about to return has to
	// wait, for example for other work of its kind. Later work is returned meanwhile. Next
	// calls Hold, and asks again after [Journal.Wake]. Hold must not call the journal.
	Hold func(Entry) bool
	// OnAbort, if it is not nil, is called in a new goroutine with work that was aborted by
	// hand while it was in progress. The program has to end it.
	OnAbort func(Entry)

	// Store, if it is not nil, is used instead of a file. The journal closes it.
	Store Store
}

func (o Options) withDefaults() Options {
	o.MaxCrashes = cmp.Or(o.MaxCrashes, 5)
	o.Keep = cmp.Or(o.Keep, 10_000)
	o.KeepFor = cmp.Or(o.KeepFor, 30*24*time.Hour)
	o.MaxBytes = cmp.Or(o.MaxBytes, 1<<30)
	return o
}

// A Journal is an open journal. All methods are safe for concurrent use.
type Journal struct {
	o        Options
	store    Store
	path     string // of the store's file, whether it exists or not
	term     uint64
	spared   uint64 // the term of the last run if that was no crash
	operator bool   // opened by a command while the service is down
	log      *slog.Logger
	ready    <-chan struct{}
	aside    string
	refused  error

	ops     chan *op
	changed chan struct{} // holds one token when Next may have something
	quit    chan struct{} // closed by Close
	stop    sync.Once
	ended   sync.WaitGroup
	closing error

	unsaid   atomic.Bool   // something was written since the last summary
	said     time.Time     // time of the last summary, and how long counting took; used by serve
	counting time.Duration //

	taking chan struct{} // holds a token while nobody is in take
	next   uint64        // where take begins; owned by the holder of the token

	mu     sync.Mutex
	leases map[uint64]time.Time // expiry times by entry
	looked time.Time            // time of the last check of leases
}

// Open opens the journal of the service with the runtime rt. It blocks for disk access, and
// for some seconds if another process has the file open. The journal stays open until
// [Journal.Close], which the stop of the service calls.
//
// Open logs any problem with the file, and returns a journal nevertheless: with a new file, or
// one that is [Journal.Refused]. It returns an error only if the service has no term.
func Open(rt Runtime, o Options) (*Journal, error) {
	j, err := openIdle(rt, o)
	if err != nil {
		return nil, err
	}
	if j.refused == nil {
		j.serve(j.path)
	} else {
		if err := j.summarize(true); err != nil {
			j.log.Warn("`status` cannot report on the journal", "error", err)
		}
		j.log.Error("the journal of interrupted work cannot be used: no work is recorded, and none is run again", "journal", j.path, "error", j.refused)
	}
	rt.OnStop("close the journal", 0, func(context.Context) error { return j.Close() })
	return j, nil
}

// openIdle opens a journal without background work.
func openIdle(rt Runtime, o Options) (*Journal, error) {
	term := rt.Term().Token()
	if term == 0 {
		return nil, errors.New("journal: the service has no term: its log says why")
	}
	j := newJournal(o, rt.Slog())
	j.term, j.ready, j.spared = term, rt.WhenReady(), spared(rt)
	path := rt.StatePath(Suffix)
	if j.store == nil {
		found, err := openBolt(path, lockWait, true)
		j.tell(found)
		if err == nil {
			j.store = found.store
		}
		j.refused = err
	}
	if j.refused == nil {
		_, j.refused = claim(j.store, term, false)
	}
	j.begin()
	j.path = path
	j.unsaid.Store(true)
	return j, nil
}

// spared returns the term of the last run if its work has no part in how it ended: the run was
// stopped, even by force, or it was a candidate that is rolled back. If the machine went down,
// the work may be the reason.
func spared(rt Runtime) uint64 {
	r, ok := rt.(interface{ Recovery() recovery.LastRun })
	if !ok {
		return 0
	}
	if last := r.Recovery(); !last.Crashed() || last.Change == recovery.RolledBack && last.Trial != "" {
		return cmp.Or(last.Token, last.Term)
	}
	return 0
}

// openStopped opens the journal at path of a service that is not running, for the operator's
// methods List, Show, Rerun, Abort and Release. The error is ErrLocked if the service is
// running: use [Ask] then. A missing or damaged journal is an error, and is not repaired.
func openStopped(path string) (*Journal, error) {
	j := newJournal(Options{}, slog.New(slog.DiscardHandler))
	if err := examine(path, 0); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	db, was, err := openFile(path, lockWait)
	if err != nil {
		return nil, err
	}
	j.store, j.operator, j.path = &bolt{path: path, db: db, was: was}, true, path
	if j.term, err = claim(j.store, 0, true); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), j.store.Close())
	}
	j.begin()
	return j, nil
}

func newJournal(o Options, log *slog.Logger) *Journal {
	return &Journal{
		o: o.withDefaults(), store: o.Store, log: log,
		ops: make(chan *op), changed: make(chan struct{}, 1), quit: make(chan struct{}),
		taking: make(chan struct{}, 1), leases: map[uint64]time.Time{},
	}
}

func (j *Journal) begin() {
	if j.refused == nil {
		j.ended.Go(j.commit)
	}
	j.taking <- struct{}{}
}

// tell logs what happened to a file.
func (j *Journal) tell(found opened) {
	j.aside = found.aside
	switch {
	case found.aside != "":
		j.log.Error("the journal of interrupted work cannot be read and is set aside: the interrupted work is not run again automatically",
			"set_aside", found.aside, "error", found.why)
	case found.why != nil:
		j.log.Error("the journal of interrupted work is taken over", "error", found.why)
	}
}

// SetAside returns the path of the file that Open has set aside, or "" if there is none.
func (j *Journal) SetAside() string { return j.aside }

// Refused returns why the journal cannot be used, or nil if it can. All reads and writes of a
// refused journal return this error.
func (j *Journal) Refused() error { return j.refused }

// Term returns the number of the run that has the journal open.
func (j *Journal) Term() uint64 { return j.term }

// Close waits for the current commit and closes the store. Work in progress stays begun, and
// the next run finds it interrupted. Call [Journal.Interrupt] before to record a reason.
func (j *Journal) Close() error {
	j.stop.Do(func() {
		close(j.quit)
		j.ended.Wait()
		if j.store != nil {
			_ = j.summarize(true) // only for `status`
			j.closing = j.store.Close()
		}
	})
	return j.closing
}

// Wake makes Next ask [Options.Hold] again about the work that waits.
func (j *Journal) Wake() { j.nudge() }

// nudge makes Next look again.
func (j *Journal) nudge() {
	select {
	case j.changed <- struct{}{}:
	default:
	}
}
