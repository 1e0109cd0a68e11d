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
)

// Runtime is what a journal needs of a running service: *service.Runtime has it.
type Runtime interface {
	Term() (uint64, error)
	StatePath(suffix string) string
	WhenReady() <-chan struct{}
	Slog() *slog.Logger
	OnStop(name string, timeout time.Duration, fn func(context.Context) error)
}

// Suffix is what follows the service's name in that of its journal's file.
const Suffix = ".journal"

// Options are the ways to have another journal than the usual. The zero value is the usual.
type Options struct {
	// MaxCrashes is in how many crashes work may be under way until it is set aside; 0: 5.
	// A crash is an end that nobody asked for: a panic, a kill, a lease that ran out, a machine
	// that went down. A stop is none, be it forced, nor is the end of a candidate that is
	// rolled back (see `upgrade`).
	MaxCrashes int
	// Keep and KeepFor are how many ended entries are kept, and how long; 0: 10,000 and 30
	// days. Whichever is less counts.
	Keep    int
	KeepFor time.Duration
	// MaxBytes is the size from which on no new work is taken; 0: 1 GiB.
	MaxBytes int64

	// Collect, if it is not nil, says how work of an earlier run ended whose child is gone:
	// the child may have left its outcome somewhere. Begun: it is to be tried again, see
	// [Journal.Retry]. False: it was interrupted.
	Collect func(Entry) (Outcome, bool)
	// Hold, if it is not nil, reports whether work that would be handed out has to wait, for
	// other work of its kind for one. What comes after it is handed out meanwhile. It is called
	// by Next, must not call the journal, and is asked again after [Journal.Wake].
	Hold func(Entry) bool
	// OnAbort, if it is not nil, is called in a goroutine of its own with work that was
	// aborted by hand while it was under way: it is the program's to end it.
	OnAbort func(Entry)

	// Store, if it is not nil, is used in place of a file. The journal closes it.
	Store Store
}

func (o Options) withDefaults() Options {
	o.MaxCrashes = cmp.Or(o.MaxCrashes, 5)
	o.Keep = cmp.Or(o.Keep, 10_000)
	o.KeepFor = cmp.Or(o.KeepFor, 30*24*time.Hour)
	o.MaxBytes = cmp.Or(o.MaxBytes, 1<<30)
	return o
}

// Journal is an open journal. All methods may be called by any goroutine.
type Journal struct {
	o        Options
	store    Store
	path     string // of the store's file, or where it would be
	term     uint64
	spared   uint64 // the term of the last run, where that ended by no crash
	operator bool   // a command, while the service is down
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
	said     time.Time     // when that was, and how long counting took: of whoever serves
	counting time.Duration //

	taking chan struct{} // holds the token of whoever is in take
	next   uint64        // where take begins to look; the token's holder's

	mu     sync.Mutex
	leases map[uint64]time.Time // when they run out, of all that have one
	looked time.Time            // at them, last
}

// Open opens the journal of the service whose runtime rt is. It blocks for the disk, for
// some seconds while somebody else has the file open, and until [Journal.Close], which it
// has the stop of the service call.
//
// Whatever is wrong with the file, the log has it, and there is a journal: with a new file,
// or one that is [Journal.Refused]. There is none, and an error, where the service has
// no term.
func Open(rt Runtime, o Options) (*Journal, error) {
	j, err := openIdle(rt, o)
	if err != nil {
		return nil, err
	}
	if j.refused == nil {
		j.serve(j.path)
	} else {
		if err := j.summarize(true); err != nil {
			j.log.Warn("`status` cannot tell of the journal", "error", err)
		}
		j.log.Error("the journal of interrupted work cannot be used: nothing is remembered, and nothing is run again", "journal", j.path, "error", j.refused)
	}
	rt.OnStop("close the journal", 0, func(context.Context) error { return j.Close() })
	return j, nil
}

// openIdle opens a journal that does nothing that it is not asked for.
func openIdle(rt Runtime, o Options) (*Journal, error) {
	term, err := rt.Term()
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
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

// spared is the term of the last run if what was under way in it has no part in how that
// ended: it was stopped, be it by force, or it was a candidate that is rolled back. Of a
// machine that went down nobody knows whether the work brought it down.
func spared(rt Runtime) uint64 {
	r, ok := rt.(interface{ Recovery() recovery.LastRun })
	if !ok {
		return 0
	}
	if last := r.Recovery(); !last.Crashed() || last.Change == recovery.RolledBack && last.Trial != "" {
		return last.Term
	}
	return 0
}

// OpenStopped opens the journal at path of a service that is down, for an operator's
// methods: List, Show, Rerun, Abort and Release. The error is ErrLocked if it is up: then
// [Ask]. If there is no journal, or a damaged one, that is an error and not mended.
func OpenStopped(path string) (*Journal, error) {
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

// tell has the log say what became of a file.
func (j *Journal) tell(found opened) {
	j.aside = found.aside
	switch {
	case found.aside != "":
		j.log.Error("the journal of interrupted work cannot be read and is set aside: what was under way is not run again by itself",
			"set_aside", found.aside, "error", found.why)
	case found.why != nil:
		j.log.Error("the journal of interrupted work is taken over", "error", found.why)
	}
}

// SetAside is the file that Open has set aside; empty if it found nothing wrong.
func (j *Journal) SetAside() string { return j.aside }

// Refused is why the journal cannot be used; nil if it can. Reads and writes of one that
// is refused fail with it.
func (j *Journal) Refused() error { return j.refused }

// Term is the number of the run that has the journal open.
func (j *Journal) Term() uint64 { return j.term }

// Close waits for the commit that is under way and closes the store. What is begun stays
// begun, and is interrupted for the next run: say why by [Journal.Interrupt] before.
func (j *Journal) Close() error {
	j.stop.Do(func() {
		close(j.quit)
		j.ended.Wait()
		if j.store != nil {
			_ = j.summarize(true) // `status` may go without
			j.closing = j.store.Close()
		}
	})
	return j.closing
}

// Wake has Next look again at what [Options.Hold] has had wait.
func (j *Journal) Wake() { j.nudge() }

// nudge has Next look again.
func (j *Journal) nudge() {
	select {
	case j.changed <- struct{}{}:
	default:
	}
}
