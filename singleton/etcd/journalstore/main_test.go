package journalstore_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/singleton/etcd/journalstore"
	"github.com/holdfast-dev/holdfast/test/journaltest"
)

// With this variable the test binary is a service with a journal, and it names etcd's URL.
const loadVariable = "JOURNALSTORE_TEST_LOAD"

func TestMain(m *testing.M) {
	if url := os.Getenv(loadVariable); url != "" {
		fmt.Fprintln(os.Stderr, load(url, os.Args[1]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// load works until it is killed. Its test ends its term, which is so long that no pause of the machine does.
func load(url, dir string) error {
	e, err := etcd.NewElector(etcd.Options{Dialer: &etcd.Dialer{Endpoints: []string{url}}, Name: "load", TTL: time.Minute})
	if err != nil {
		return err
	}
	term, err := e.Campaign(context.Background())
	if err != nil {
		return err
	}
	fmt.Println("leads")
	rt := journaltest.Ready(dir, 0)
	rt.Holds = term
	store, err := journalstore.Open(context.Background(), term, journalstore.Options{})
	if err != nil {
		return err
	}
	j, err := journal.Open(rt, journal.Options{Store: store, MaxCrashes: 1 << 20, Keep: 1 << 20})
	if err == nil {
		err = j.Refused()
	}
	if err != nil {
		return err
	}
	o, err := journaltest.OpenEffects(effectsIn(dir))
	if err != nil {
		return err
	}
	return journaltest.Load(j, o)
}

func effectsIn(dir string) string { return dir + "/effects" }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// member starts an etcd that ends with the test.
func member(t testing.TB, set func(*embedded.Member)) *embedded.Member {
	t.Helper()
	members, err := embedded.Plan(1, t.TempDir())
	must(t, err)
	if set != nil {
		set(members[0])
	}
	t.Cleanup(members[0].Stop)
	must(t, members[0].Start())
	return members[0]
}

// A service is a service on an etcd, each of whose runs leads in a new term.
type service struct {
	elector *etcd.Elector
	term    *etcd.Term
	o       journalstore.Options
}

func newService(t testing.TB, m *embedded.Member, name string, ttl time.Duration) *service {
	t.Helper()
	e, err := etcd.NewElector(etcd.Options{Dialer: &etcd.Dialer{Endpoints: []string{m.Client}}, Name: name, TTL: ttl})
	must(t, err)
	t.Cleanup(func() { _ = e.Close() })
	return &service{elector: e}
}

// next ends the term, if there is one, and begins the next.
func (s *service) next(t testing.TB) *etcd.Term {
	t.Helper()
	if s.term != nil {
		must(t, s.term.Resign(t.Context()))
	}
	term, err := s.elector.Campaign(t.Context())
	must(t, err)
	s.term, _ = etcd.Of(term)
	return s.term
}

func (s *service) open(t testing.TB) *journalstore.Store {
	t.Helper()
	store, err := journalstore.Open(t.Context(), s.term, s.o)
	must(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func (s *service) Begin(t testing.TB) (singleton.Term, journal.Store) {
	t.Helper()
	return s.next(t), s.open(t)
}
