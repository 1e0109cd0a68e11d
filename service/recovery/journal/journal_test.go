package journal_test

import (
	"errors"
	"math/rand/v2"
	"os"
	goruntime "runtime"
	"testing"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/test/journaltest"
)

type runtime = journaltest.Runtime

var (
	ready = journaltest.Ready
	open  = journaltest.Open
	begin = journaltest.Begin
	next  = journaltest.Next
	show  = journaltest.Show
	list  = journaltest.List
)

// again closes j as a crash would, and opens it in the next run.
func again(t testing.TB, j *journal.Journal, rt *runtime, o journal.Options) *journal.Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	rt.Number++
	return open(t, rt, o)
}

// Every store passes the same tests. That of etcd does so in its own module.
func TestTheFile(t *testing.T) {
	k := kind(func() journal.Store { return nil })
	k.Alone = goruntime.GOOS == "windows" // which replaces no file that is open
	journaltest.Run(t, k)
}

func TestAStoreInMemory(t *testing.T) {
	journaltest.Run(t, kind(func() journal.Store { return newMemory() }))
}

func kind(store func() journal.Store) journaltest.Kind {
	return journaltest.Kind{Expire: journal.Expire, Rounds: 12, New: func(testing.TB) journaltest.Service { return &numbered{store: store()} }}
}

// A numbered service begins each run with the next number.
type numbered struct {
	store journal.Store
	runs  singleton.LocalTerm
}

func (s *numbered) Begin(testing.TB) (singleton.Term, journal.Store) {
	s.runs++
	return s.runs, s.store
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

func isSuperseded(err error) bool { return errors.Is(err, journal.ErrSuperseded) }
