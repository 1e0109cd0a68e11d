package journalstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/singleton/etcd/journalstore"
	"github.com/holdfast-dev/holdfast/test/journaltest"
)

// The store passes the same tests as the file.
func TestTheJournalsOwnTests(t *testing.T) {
	m, n := member(t, nil), 0
	journaltest.Run(t, journaltest.Kind{Rounds: 2, New: func(t testing.TB) journaltest.Service {
		n++
		return newService(t, m, fmt.Sprint("journal", n), time.Minute)
	}})
}

// values are keys of one bucket with their values.
type values map[string]string

const bucket = "open"

// put puts all values in one transaction. An empty value removes its key.
func (v values) put(s journal.Store) error {
	return s.Update(func(tx journal.Tx) error {
		for _, key := range slices.Sorted(maps.Keys(v)) {
			var err error
			if v[key] == "" {
				err = tx.Delete(bucket, []byte(key))
			} else {
				err = tx.Put(bucket, []byte(key), []byte(v[key]))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// in fails the test if the store has anything else.
func (v values) in(t *testing.T, s journal.Store) {
	t.Helper()
	got := values{}
	must(t, s.View(func(tx journal.Tx) error {
		last := ""
		return tx.Ascend(bucket, nil, func(key, value []byte) bool {
			if string(key) <= last {
				t.Errorf("%q comes after %q", key, last)
			}
			last = string(key)
			got[last] = string(value)
			return true
		})
	}))
	size := 0
	for key, value := range got {
		size += len(key) + len(value)
		if v[key] != value {
			t.Errorf("%q has %d bytes, want %d", key, len(value), len(v[key]))
		}
	}
	for key := range v {
		if _, ok := got[key]; !ok {
			t.Errorf("%q is missing", key)
		}
	}
	if s.Size() != int64(size) {
		t.Errorf("its size is %d, and should be %d", s.Size(), size)
	}
}

// many returns n values that are some megabytes together.
func many(n int, of string) values {
	v := values{}
	for i := range n {
		v[fmt.Sprintf("%s%03d", of, i)] = strings.Repeat(of, 9000+i)
	}
	v[of+" big"] = strings.Repeat(of, 1_400_000)
	return v
}

var errDied = errors.New("it died here")

// A transaction that is larger than etcd takes at once, in operations and in bytes, happens as
// a whole or not at all, wherever the leader dies.
func TestATransactionBeyondEtcdsLimitsIsAllOrNothing(t *testing.T) {
	s := newService(t, member(t, nil), "big", time.Minute)
	before := many(200, "a")
	s.next(t)
	must(t, before.put(s.open(t)))
	after := many(150, "b")
	change := maps.Clone(after)
	for key := range before {
		change[key] = ""
	}
	deaths := map[string]int{}
	for n := 0; ; n++ {
		s.next(t)
		s.o = journalstore.Options{}
		before.in(t, s.open(t))
		left, at := n, ""
		s.o = journalstore.Failing(s.o, func(where string) error {
			if where == "answer" || where == "page" {
				return nil
			}
			if left--; left < 0 {
				if at == "" {
					at = where
				}
				return errDied
			}
			return nil
		})
		err := change.put(s.open(t))
		if at == "" {
			must(t, err)
			break
		}
		deaths[at]++
		s.o = journalstore.Options{}
		s.next(t)
		switch now := s.open(t); at {
		case "commit", "staged":
			if !errors.Is(err, errDied) {
				t.Fatalf("died at %s: %v", at, err)
			}
			before.in(t, now)
		case "valid", "applied":
			must(t, err)
			after.in(t, now)
			back := maps.Clone(before)
			for key := range after {
				back[key] = ""
			}
			must(t, back.put(now))
		default:
			t.Fatalf("died at %q", at)
		}
	}
	if deaths["staged"] < 3 || deaths["valid"] != 1 || deaths["applied"] < 3 {
		t.Errorf("it died at %v", deaths)
	}
	s.next(t)
	after.in(t, s.open(t))
	left, err := s.term.Client().Get(t.Context(), s.term.Prefix()+"journal/staged/", clientv3.WithPrefix())
	must(t, err)
	if left.Count != 0 {
		t.Errorf("%d keys are left over", left.Count)
	}
}

// The same leader finishes what it could not finish.
func TestTheNextTransactionFinishesTheOneBefore(t *testing.T) {
	s := newService(t, member(t, nil), "finish", time.Minute)
	s.next(t)
	died := false
	s.o = journalstore.Failing(s.o, func(where string) error {
		if where == "applied" && !died {
			died = true
			return errDied
		}
		return nil
	})
	store, want := s.open(t), many(200, "a")
	must(t, want.put(store))
	must(t, values{"more": "x"}.put(store))
	want["more"] = "x"
	want.in(t, store)
	s.next(t)
	want.in(t, s.open(t))
	if !died {
		t.Error("nothing was left to finish")
	}
}

// A leader was paused between its last look and its write, and its successor has written.
func TestAFormerLeaderWritesNothing(t *testing.T) {
	for name, v := range map[string]values{"small": {"k": "old"}, "big": many(200, "k")} {
		m := member(t, nil)
		s, paused := newService(t, m, "former", time.Minute), newService(t, m, "former", time.Minute)
		paused.next(t)
		want := values{"k": "new"}
		paused.o = journalstore.Failing(paused.o, func(where string) error {
			if where == map[string]string{"small": "commit", "big": "staged"}[name] && s.term == nil {
				must(t, paused.term.Resign(t.Context()))
				s.next(t)
				must(t, want.put(s.open(t)))
			}
			return nil
		})
		old := paused.open(t)
		if err := v.put(old); !errors.Is(err, journal.ErrSuperseded) || !errors.Is(err, etcd.ErrSuperseded) {
			t.Errorf("%s: %v", name, err)
		}
		want.in(t, s.open(t))
		s.next(t)
		want.in(t, s.open(t))
	}
}

// An answer that is lost does not make a transaction happen twice or not at all.
func TestAnAnswerIsLost(t *testing.T) {
	s := newService(t, member(t, nil), "lost", time.Minute)
	s.next(t)
	lose := 0
	s.o = journalstore.Failing(s.o, func(where string) error {
		if where == "answer" && lose > 0 {
			lose--
			return context.DeadlineExceeded
		}
		return nil
	})
	store, runs := s.open(t), 0
	count := func() error {
		return store.Update(func(tx journal.Tx) error {
			runs++
			was, err := tx.Get(bucket, []byte("n"))
			if err != nil {
				return err
			}
			return tx.Put(bucket, []byte("n"), append(was, 'x'))
		})
	}
	for n := range 5 {
		lose = n
		must(t, count())
	}
	want := values{"n": "xxxxx"}
	want.in(t, store)
	lose = 3
	big := many(200, "a")
	must(t, big.put(store))
	maps.Copy(want, big)
	want.in(t, store)
	if runs != 5 || lose != 0 {
		t.Errorf("%d runs, %d answers left to lose", runs, lose)
	}
	s.next(t)
	want.in(t, s.open(t))
}

// Two stores of one term see each other's transactions.
func TestTwoStoresOfOneTermAreSerializable(t *testing.T) {
	s := newService(t, member(t, nil), "two", time.Minute)
	s.next(t)
	a, b := s.open(t), s.open(t)
	for i := range 6 {
		must(t, []*journalstore.Store{a, b}[i%2].Update(func(tx journal.Tx) error {
			was, err := tx.Get(bucket, []byte("n"))
			if err != nil {
				return err
			}
			return tx.Put(bucket, []byte("n"), append(bytes.Clone(was), 'x'))
		}))
	}
	values{"n": "xxxxxx"}.in(t, b)
}

// Etcd is compacted between two pages of what a new leader reads.
func TestACompactionWhileItIsRead(t *testing.T) {
	s := newService(t, member(t, nil), "compact", time.Minute)
	s.next(t)
	want := values{}
	for i := range 200 {
		want[fmt.Sprintf("%03d", i)] = "v"
	}
	must(t, want.put(s.open(t)))
	compacted := 0
	s.o = journalstore.Failing(s.o, func(where string) error {
		if where == "page" && compacted < 2 {
			compacted++
			put, err := s.term.Client().Put(t.Context(), "other", "x")
			must(t, err)
			_, err = s.term.Client().Compact(t.Context(), put.Header.Revision)
			must(t, err)
		}
		return nil
	})
	want.in(t, s.open(t))
	if compacted != 2 {
		t.Errorf("%d compactions", compacted)
	}
}

// Without etcd, a transaction ends with the term, and says why.
func TestEtcdIsAway(t *testing.T) {
	m := member(t, nil)
	s := newService(t, m, "away", 20*time.Second) // half of it is left for what follows its loss
	s.o.Patience = time.Second
	s.next(t)
	store := s.open(t)
	must(t, values{"a": "1"}.put(store))
	stopped := make(chan struct{})
	go func() { // it takes its time
		m.Stop()
		close(stopped)
	}()
	var err error
	for err == nil {
		err = values{"a": "2"}.put(store)
	}
	defer func() { <-stopped }()
	if !errors.Is(err, journal.ErrUnknown) || !errors.Is(err, etcd.ErrUnreachable) && !errors.Is(err, etcd.ErrNoAnswer) {
		t.Error(err)
	}
	if _, err := journalstore.Open(t.Context(), s.term, s.o); !errors.Is(err, etcd.ErrUnreachable) && !errors.Is(err, etcd.ErrNoAnswer) {
		t.Error(err)
	}
	// After the deadline it does not even read.
	for time.Now().Before(s.term.Deadline()) {
		time.Sleep(time.Until(s.term.Deadline()))
	}
	for name, err := range map[string]error{"view": store.View(func(journal.Tx) error { return nil }), "update": values{"a": "2"}.put(store)} {
		if !errors.Is(err, journal.ErrSuperseded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Errors name other limits of etcd, and a lack of space.
func TestWhatEtcdRefusesIsTold(t *testing.T) {
	m := member(t, func(m *embedded.Member) {
		m.Set = func(c *embed.Config) { c.MaxRequestBytes, c.MaxTxnOps, c.QuotaBackendBytes = 64<<10, 16, 4<<20 }
	})
	s := newService(t, m, "refuses", time.Minute)
	s.next(t)
	large, few := values{"a": strings.Repeat("x", 100<<10)}, values{}
	for i := range 30 {
		few[fmt.Sprint("k", i)] = "v"
	}
	store := s.open(t)
	for name, v := range map[string]values{"large": large, "many": few} {
		if err := v.put(store); !errors.Is(err, journal.ErrTooBig) || !strings.Contains(err.Error(), "--max-") {
			t.Errorf("%s: %v", name, err)
		}
	}
	values{}.in(t, store)
	s.o = journalstore.Options{MaxRequest: 64 << 10, MaxOps: 16}
	store = s.open(t)
	if err := large.put(store); !errors.Is(err, journal.ErrTooBig) || !strings.Contains(err.Error(), "--max-request-bytes") {
		t.Error(err)
	}
	must(t, few.put(store))
	few.in(t, store)
	for i := 0; ; i++ {
		err := values{fmt.Sprint("fill", i): strings.Repeat("x", 40<<10)}.put(store)
		if err != nil {
			if !errors.Is(err, journal.ErrFull) || !errors.Is(err, etcd.ErrNoSpace) {
				t.Error(err)
			}
			break
		}
	}
}

func TestTheTermMustBeEtcds(t *testing.T) {
	if _, err := journalstore.Open(t.Context(), singleton.LocalTerm(1), journalstore.Options{}); err == nil {
		t.Error("no error")
	}
}

func TestAClosedStoreSaysSo(t *testing.T) {
	s := newService(t, member(t, nil), "closed", time.Minute)
	s.next(t)
	store := s.open(t)
	must(t, store.Close())
	if err := (values{"a": "1"}).put(store); err == nil {
		t.Error("no error")
	}
}
