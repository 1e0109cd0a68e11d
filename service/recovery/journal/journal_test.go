package journal_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A runtime is the runtime of a service that is ready, in one directory.
type runtime struct {
	dir   string
	term  uint64
	ready chan struct{}
	log   *slog.Logger
}

func (r *runtime) Term() (uint64, error)          { return r.term, nil }
func (r *runtime) StatePath(suffix string) string { return filepath.Join(r.dir, "feedd"+suffix) }
func (r *runtime) WhenReady() <-chan struct{}     { return r.ready }
func (r *runtime) Slog() *slog.Logger {
	if r.log != nil {
		return r.log
	}
	return slog.New(slog.DiscardHandler)
}
func (r *runtime) OnStop(string, time.Duration, func(context.Context) error) {}

func ready(dir string, term uint64) *runtime {
	r := &runtime{dir: dir, term: term, ready: make(chan struct{})}
	close(r.ready)
	return r
}

// slice selects the cases of a campaign to play: the first one, and the distance to the next.
// Each time it starts at another case. HOLDFAST_FAULTS=all selects all cases.
func slice(t *testing.T, of int) (first, each int) {
	t.Helper()
	if os.Getenv("HOLDFAST_FAULTS") == "all" {
		return 0, 1
	}
	first = rand.IntN(of)
	t.Logf("one case in %d, from case %d on: HOLDFAST_FAULTS=all plays them all", of, first)
	return first, of
}

// open opens a journal that must be usable.
func open(t testing.TB, rt *runtime, o journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(rt, o)
	if err == nil {
		err = j.Refused()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// again closes j as a crash would, and opens it in the next term.
func again(t testing.TB, j *journal.Journal, rt *runtime, o journal.Options) *journal.Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	rt.term++
	return open(t, rt, o)
}

func begin(t testing.TB, j *journal.Journal, w journal.Work) journal.Entry {
	t.Helper()
	e, err := j.Begin(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func next(t testing.TB, j *journal.Journal) journal.Taken {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	got, err := j.Next(ctx)
	if err != nil {
		t.Fatal("Next: ", err)
	}
	return got
}

// none fails the test if there is work to take.
func none(t testing.TB, j *journal.Journal) {
	t.Helper()
	// Next sees all earlier work before the mark.
	mark, err := j.Enqueue(t.Context(), journal.Work{Kind: "mark"})
	if err != nil {
		t.Fatal(err)
	}
	if got := next(t, j); got.ID != mark.ID {
		t.Errorf("%d (%s, rerun of %d) is handed out, and there should be nothing", got.ID, got.Kind, got.RerunOf)
	} else if err := j.Finish(t.Context(), mark.ID, journal.Outcome{}); err != nil {
		t.Error(err)
	}
}

func show(t testing.TB, j *journal.Journal, id uint64) journal.Entry {
	t.Helper()
	e, err := j.Show(id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWorkIsWrittenDownAndComesBackOnce(t *testing.T) {
	rt := ready(t.TempDir(), 1)
	j := open(t, rt, journal.Options{})
	a := begin(t, j, journal.Work{Kind: "report", Trigger: journal.Manual, Params: []byte("42"), Rerun: true})
	b := begin(t, j, journal.Work{Kind: "import", Trigger: journal.Scheduled, Rerun: true})
	c := begin(t, j, journal.Work{Kind: "mail", Trigger: journal.API, Rerun: true})
	d := begin(t, j, journal.Work{Kind: "sweep", Trigger: journal.Scheduled})
	if err := j.Checkpoint(t.Context(), a.ID, []byte("row 7")); err != nil {
		t.Fatal(err)
	}
	if err := j.Finish(t.Context(), c.ID, journal.Outcome{}); err != nil {
		t.Fatal(err)
	}

	j = again(t, j, rt, journal.Options{})
	first, second := next(t, j), next(t, j)
	if first.RerunOf != a.ID || second.RerunOf != b.ID {
		t.Errorf("handed out are reruns of %d and %d, want %d and %d", first.RerunOf, second.RerunOf, a.ID, b.ID)
	}
	if string(first.Params) != "42" || string(first.Checkpoint) != "row 7" || first.Key != a.Key || first.Trigger != journal.Manual ||
		first.Attempt != 2 || first.Crashes != 1 || first.Term != 2 || first.State != journal.Begun {
		t.Errorf("the rerun is %+v", first.Entry)
	}
	none(t, j)
	for id, want := range map[uint64]journal.State{a.ID: journal.Rerun, b.ID: journal.Rerun, c.ID: journal.Finished, d.ID: journal.Interrupted} {
		if e := show(t, j, id); e.State != want {
			t.Errorf("%d (%s) is %s, want %s", id, e.Kind, e.State, want)
		}
	}
	if e := show(t, j, a.ID); e.RerunAs != first.ID {
		t.Errorf("%d was run again as %d, and says %d", a.ID, first.ID, e.RerunAs)
	}
}

func TestNextWaitsForReadinessAndForWhoAsks(t *testing.T) {
	rt := ready(t.TempDir(), 1)
	j := open(t, rt, journal.Options{})
	begin(t, j, journal.Work{Kind: "a", Rerun: true})
	begin(t, j, journal.Work{Kind: "b", Rerun: true})
	rt.ready = make(chan struct{})
	j = again(t, j, rt, journal.Options{})
	early, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Next(early); !errors.Is(err, context.Canceled) {
		t.Errorf("before the service is ready: %v", err)
	}
	close(rt.ready)
	if got := next(t, j); got.Kind != "a" {
		t.Errorf("%+v", got)
	}
	all, _, err := j.List(0)
	if err != nil || len(all) != 3 || all[1].State != journal.Interrupted {
		t.Errorf("b was not asked for, and is: %+v, %v", all, err)
	}
}

// A program that interrupts its work at a stop, and calls Next with the context that has
// ended, gets none of it: it is for the next run.
func TestNextHandsOutNothingOnceItsContextHasEnded(t *testing.T) {
	j := open(t, ready(t.TempDir(), 1), journal.Options{})
	e := begin(t, j, journal.Work{Kind: "a", Rerun: true})
	if err := j.Interrupt(t.Context(), e.ID, "the service stops"); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if got, err := j.Next(ended); !errors.Is(err, context.Canceled) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if got := next(t, j); got.RerunOf != e.ID || got.Attempt != 2 {
		t.Errorf("%+v", got)
	}
}

func TestAKeyIsBegunOnce(t *testing.T) {
	j := open(t, ready(t.TempDir(), 1), journal.Options{})
	a := begin(t, j, journal.Work{Kind: "pay", Key: "order 7"})
	e, err := j.Begin(t.Context(), journal.Work{Kind: "pay", Key: "order 7"})
	if !errors.Is(err, journal.ErrKnown) || e.ID != a.ID {
		t.Errorf("%+v, %v", e, err)
	}
	if b := begin(t, j, journal.Work{Kind: "pay"}); b.Key == "" || b.Key == a.Key {
		t.Errorf("key %q", b.Key)
	}
}

func TestWorkThatCrashesTheServiceIsSetAsideAndReleased(t *testing.T) {
	rt, o := ready(t.TempDir(), 1), journal.Options{MaxCrashes: 3}
	j := open(t, rt, o)
	id := begin(t, j, journal.Work{Kind: "poison", Rerun: true}).ID
	begin(t, j, journal.Work{Kind: "good", Rerun: true})
	for range 2 {
		j = again(t, j, rt, o)
		id = next(t, j).ID
		if good := next(t, j); good.Kind != "good" {
			t.Fatalf("%+v", good)
		} else if err := j.Interrupt(t.Context(), good.ID, "the service stops"); err != nil {
			t.Fatal(err)
		}
	}
	j = again(t, j, rt, o)
	if got := next(t, j); got.Kind != "good" || got.Crashes != 1 || got.Attempt != 4 {
		t.Errorf("%+v", got)
	}
	if e := show(t, j, id); e.State != journal.SetAside || e.Crashes != 3 {
		t.Errorf("%+v", e)
	}
	none(t, j)
	if _, err := j.Release(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := next(t, j); got.RerunOf != id || got.Crashes != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWhatTwoBranchesSeeRunsOnce(t *testing.T) {
	j := open(t, ready(t.TempDir(), 1), journal.Options{})
	a := begin(t, j, journal.Work{Kind: "far", Rerun: true, Worker: "w1", Lease: time.Millisecond})
	// b: its lease runs out.
	got := next(t, j)
	if got.RerunOf != a.ID {
		t.Fatalf("%+v", got)
	}
	// d: the worker returns, and finds its leftover.
	if err := j.Interrupt(t.Context(), a.ID, "the worker was restarted"); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
	if err := j.Finish(t.Context(), a.ID, journal.Outcome{}); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
	if err := j.Renew(a.ID, "w1"); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
	none(t, j)
}

func TestAWorkerThatReportsBackInTimeIsNotRunAgain(t *testing.T) {
	rt := ready(t.TempDir(), 1)
	j := open(t, rt, journal.Options{})
	a := begin(t, j, journal.Work{Kind: "far", Rerun: true, Worker: "w1", Lease: time.Hour})
	j = again(t, j, rt, journal.Options{}) // only the primary is killed
	none(t, j)
	if err := j.Renew(a.ID, "w1"); err != nil {
		t.Error(err)
	}
	if err := j.Renew(a.ID, "w2"); !errors.Is(err, journal.ErrEnded) {
		t.Error(err)
	}
	if err := j.Finish(t.Context(), a.ID, journal.Outcome{}); err != nil {
		t.Error(err)
	}
	j = again(t, j, rt, journal.Options{})
	none(t, j)
}

func TestSizesAreBounded(t *testing.T) {
	j := open(t, ready(t.TempDir(), 1), journal.Options{MaxBytes: 1})
	if _, err := j.Begin(t.Context(), journal.Work{Kind: "x"}); !errors.Is(err, journal.ErrFull) {
		t.Error(err)
	}
	j = open(t, ready(t.TempDir(), 1), journal.Options{})
	if _, err := j.Begin(t.Context(), journal.Work{Params: make([]byte, journal.MaxPayload+1)}); !errors.Is(err, journal.ErrTooBig) {
		t.Error(err)
	}
	e := begin(t, j, journal.Work{Params: make([]byte, journal.MaxPayload)})
	if err := j.Checkpoint(t.Context(), e.ID, []byte("x")); !errors.Is(err, journal.ErrTooBig) {
		t.Error(err)
	}
}

func isSuperseded(err error) bool { return errors.Is(err, journal.ErrSuperseded) }
