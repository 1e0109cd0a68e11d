// Package journaltest has the tests that every store of a journal has to pass: the file of
// bbolt, and those that machines share. [Run] runs them all. They see a journal as a program
// does, over as many runs of its service as they need.
package journaltest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A Kind is a kind of store.
type Kind struct {
	// New returns a service that has never run.
	New func(testing.TB) Service
	// Expire, if it is not nil, makes a journal look at its leases at once.
	Expire func(*journal.Journal)
	// Rounds is how often a test is repeated in which goroutines race.
	Rounds int
	// Alone means that no run can open the store while an earlier one, which has not ended, has it.
	Alone bool
}

// A Service is a service whose journals have one store.
type Service interface {
	// Begin ends the run before, if there was one, as a crash does. It returns the term of the
	// next run, which is greater, and what [journal.Options.Store] is in it.
	Begin(testing.TB) (singleton.Term, journal.Store)
}

// Run runs all tests on a kind of store.
func Run(t *testing.T, k Kind) {
	t.Helper()
	for _, of := range [][]test{works(), acting(), holds(), reruns(), terms(), children()} {
		for _, x := range of {
			t.Run(x.name, func(t *testing.T) { x.run(t, k) })
		}
	}
}

type test struct {
	name string
	run  func(*testing.T, Kind)
}

// A Runtime is the runtime of a service that is ready.
type Runtime struct {
	Dir    string
	Number uint64         // of the run, if there is no Holds
	Holds  singleton.Term // the run's term
	Opened chan struct{}  // closed when the service is ready
	Log    *slog.Logger   // nil: nowhere

	service Service
	store   journal.Store
}

// Ready returns the runtime of a run in a directory.
func Ready(dir string, number uint64) *Runtime {
	r := &Runtime{Dir: dir, Number: number, Opened: make(chan struct{})}
	close(r.Opened)
	return r
}

// Term returns the term of the run.
func (r *Runtime) Term() singleton.Term {
	if r.Holds != nil {
		return r.Holds
	}
	return singleton.LocalTerm(r.Number)
}

// StatePath returns a path in the directory.
func (r *Runtime) StatePath(suffix string) string { return filepath.Join(r.Dir, "feedd"+suffix) }

// WhenReady returns Opened.
func (r *Runtime) WhenReady() <-chan struct{} { return r.Opened }

// Slog returns the log.
func (r *Runtime) Slog() *slog.Logger {
	if r.Log != nil {
		return r.Log
	}
	return slog.New(slog.DiscardHandler)
}

// OnStop does nothing.
func (*Runtime) OnStop(string, time.Duration, func(context.Context) error) {}

// ready returns the runtime of the first run of a new service.
func (k Kind) ready(t testing.TB) *Runtime {
	t.Helper()
	r := Ready(t.TempDir(), 0)
	r.service = k.New(t)
	r.begin(t)
	return r
}

func (r *Runtime) begin(t testing.TB) {
	t.Helper()
	r.Holds, r.store = r.service.Begin(t)
}

func (r *Runtime) token() uint64 { return r.Term().Token() }

// open opens the journal of the run.
func open(t testing.TB, r *Runtime, o journal.Options) *journal.Journal {
	t.Helper()
	o.Store = r.store
	return Open(t, r, o)
}

// again closes j as a crash would, and opens it in the next run.
func again(t testing.TB, j *journal.Journal, r *Runtime, o journal.Options) *journal.Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r.begin(t)
	return open(t, r, o)
}

// Open opens a journal that must be usable. The test closes it.
func Open(t testing.TB, r *Runtime, o journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(r, o)
	if err == nil {
		err = j.Refused()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// Begin begins work.
func Begin(t testing.TB, j *journal.Journal, w journal.Work) journal.Entry {
	t.Helper()
	e, err := j.Begin(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Next returns the next work.
func Next(t testing.TB, j *journal.Journal) journal.Taken {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	got, err := j.Next(ctx)
	if err != nil {
		t.Fatal("Next: ", err)
	}
	return got
}

// None fails the test if there is work to take.
func None(t testing.TB, j *journal.Journal) {
	t.Helper()
	// Next sees all earlier work before the mark.
	mark, err := j.Enqueue(t.Context(), journal.Work{Kind: "mark"})
	if err != nil {
		t.Fatal(err)
	}
	if got := Next(t, j); got.ID != mark.ID {
		t.Errorf("%d (%s, rerun of %d) is handed out, and there should be nothing", got.ID, got.Kind, got.RerunOf)
	} else if err := j.Finish(t.Context(), mark.ID, journal.Outcome{}); err != nil {
		t.Error(err)
	}
}

// Show returns an entry.
func Show(t testing.TB, j *journal.Journal, id uint64) journal.Entry {
	t.Helper()
	e, err := j.Show(id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// List returns all entries, of which none is damaged.
func List(t testing.TB, j *journal.Journal) []journal.Entry {
	t.Helper()
	all, torn, err := j.List(0)
	if err != nil || torn > 0 {
		t.Fatal(torn, err)
	}
	return all
}
