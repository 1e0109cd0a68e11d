package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// cluster starts n members of etcd that end with the test.
func cluster(t *testing.T, n int) []*embedded.Member {
	t.Helper()
	members, err := embedded.Plan(n, t.TempDir())
	must(t, err)
	t.Cleanup(func() {
		for _, m := range members {
			m.Stop()
		}
	})
	must(t, embedded.StartAll(members))
	return members
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A teller keeps what an elector tells.
type teller struct {
	mu  sync.Mutex
	all []etcd.Standing
}

func (l *teller) tell(s etcd.Standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}

// last returns the last one, and whether there is one.
func (l *teller) last() (etcd.Standing, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return etcd.Standing{}, false
	}
	return l.all[len(l.all)-1], true
}

// trouble waits until the last that was told is trouble of that kind.
func (l *teller) trouble(t *testing.T, want error) {
	t.Helper()
	wait.Until(t, fmt.Sprintf("told of %q", want), func() bool {
		last, ok := l.last()
		return ok && errors.Is(last.Trouble, want)
	})
}

func (l *teller) leader(t *testing.T, want string) {
	t.Helper()
	wait.Until(t, "told that "+want+" leads", func() bool {
		last, ok := l.last()
		return ok && last.Trouble == nil && last.Leader == want
	})
}

// options returns the options of a candidate of "db", with a TTL so long that no test waits
// for its end.
func options(who string, members []*embedded.Member) (etcd.Options, *teller) {
	told := &teller{}
	return etcd.Options{
		Dialer: &etcd.Dialer{Endpoints: embedded.Endpoints(members)}, Name: "db", TTL: time.Minute, Who: who, Told: told.tell,
	}, told
}

func elector(t *testing.T, o etcd.Options) *etcd.Elector {
	t.Helper()
	e, err := etcd.NewElector(o)
	must(t, err)
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func lead(t *testing.T, e *etcd.Elector) *etcd.Term {
	t.Helper()
	term, err := e.Campaign(t.Context())
	must(t, err)
	own, ok := etcd.Of(term)
	if !ok {
		t.Fatalf("the term is a %T", term)
	}
	return own
}

// campaign campaigns in the background.
func campaign(ctx context.Context, e *etcd.Elector) <-chan singleton.Term {
	won := make(chan singleton.Term, 1)
	go func() {
		if term, err := e.Campaign(ctx); err == nil {
			won <- term
		}
	}()
	return won
}

func isLost(t singleton.Term) bool {
	select {
	case <-t.Lost():
		return true
	default:
		return false
	}
}

func client(t *testing.T, members []*embedded.Member) *clientv3.Client {
	t.Helper()
	c, err := (&etcd.Dialer{Endpoints: embedded.Endpoints(members)}).Connect(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestResignHandsOver(t *testing.T) {
	members := cluster(t, 1)
	oa, _ := options("a", members)
	a := lead(t, elector(t, oa))
	ob, told := options("b", members)
	won := campaign(t.Context(), elector(t, ob))
	told.leader(t, "a")
	last, _ := told.last()
	if s := last.String(); !strings.HasPrefix(s, "a leads since 20") {
		t.Errorf("a standby says %q", s)
	}
	select {
	case <-won:
		t.Fatal("two lead")
	default:
	}
	if time.Until(a.Deadline()) <= 0 {
		t.Error("the deadline is past while the term runs")
	}
	must(t, a.Resign(t.Context()))
	b := <-won
	if b.Token() <= a.Token() {
		t.Errorf("the token %d follows %d", b.Token(), a.Token())
	}
	if isLost(a) || isLost(b) {
		t.Error("a term that was resigned is lost")
	}
	must(t, a.Resign(t.Context())) // again does no harm
	must(t, b.Resign(t.Context()))
	oa.Who = "a again"
	if again := lead(t, elector(t, oa)); again.Token() <= b.Token() {
		t.Errorf("the token %d follows %d", again.Token(), b.Token())
	}
}

func TestDeadlineMovesWithRenewals(t *testing.T) {
	members := cluster(t, 1)
	o, _ := options("a", members)
	renewed(t, lead(t, elector(t, eager(o))))
}

// If etcd ends a term, the deadline is past: somebody else may lead.
func TestTermIsLost(t *testing.T) {
	for name, take := range map[string]func(ctx context.Context, c *clientv3.Client, term *etcd.Term) error{
		"the lease revoked": func(ctx context.Context, c *clientv3.Client, term *etcd.Term) error {
			_, lease := term.LeaseKey()
			_, err := c.Revoke(ctx, clientv3.LeaseID(lease))
			return err
		},
		"the key deleted": func(ctx context.Context, c *clientv3.Client, term *etcd.Term) error {
			key, _ := term.LeaseKey()
			_, err := c.Delete(ctx, key)
			return err
		},
		"the key put anew": func(ctx context.Context, c *clientv3.Client, term *etcd.Term) error {
			key, lease := term.LeaseKey()
			if _, err := c.Delete(ctx, key); err != nil {
				return err
			}
			_, err := c.Put(ctx, key, "x", clientv3.WithLease(clientv3.LeaseID(lease)))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			members := cluster(t, 1)
			o, _ := options("a", members)
			e := elector(t, eager(o))
			term := lead(t, e)
			must(t, take(t.Context(), client(t, members), term))
			<-term.Lost()
			if term.Cause() == nil || time.Until(term.Deadline()) > 0 {
				t.Errorf("lost because of %v, %v before its deadline", term.Cause(), time.Until(term.Deadline()))
			}
			must(t, term.Resign(t.Context()))
			if next := lead(t, e); next.Token() <= term.Token() { // the same elector campaigns again
				t.Errorf("the token %d follows %d", next.Token(), term.Token())
			}
		})
	}
}

// Without a renewal, a term is lost while half of its time is left for the stop.
func TestTermIsLostHalfWayToItsDeadline(t *testing.T) {
	members := cluster(t, 1)
	o, _ := options("a", members)
	o.TTL = time.Hour // so that the time that the test itself takes does not count
	var slept atomic.Int64
	term := lead(t, elector(t, etcd.Ahead(o, func() time.Duration { return time.Duration(slept.Load()) })))
	members[0].Stop()
	slept.Store(int64(o.TTL/2 - 10*time.Minute))
	wait.Until(t, "two looks at the clock", func() bool { return time.Until(term.Deadline()) > 0 })
	if isLost(term) {
		t.Error("lost before half of the time is over")
	}
	slept.Store(int64(o.TTL / 2))
	<-term.Lost()
	if term.Cause() == nil {
		t.Error("lost without a cause")
	}
}

func TestUnreachableAtStart(t *testing.T) {
	members, err := embedded.Plan(1, t.TempDir())
	must(t, err)
	t.Cleanup(members[0].Stop)
	o, told := options("a", members)
	o.TTL = 24 * time.Hour // people are told long before the client gives up
	won := campaign(t.Context(), elector(t, o))
	wait.Until(t, "told of trouble", func() bool { last, _ := told.last(); return last.Trouble != nil })
	if last, _ := told.last(); !strings.HasPrefix(last.String(), "etcd ") {
		t.Errorf("told %q", last)
	}
	must(t, members[0].Start())
	<-won
}

// An etcd that is away for long is told once, and not again with each try.
func TestAnEtcdThatStaysAwayIsToldOnce(t *testing.T) {
	members, err := embedded.Plan(1, t.TempDir())
	must(t, err)
	o, told := options("a", members)
	o.TTL = 2 * time.Second
	tries := make(chan struct{}, 1000)
	won := campaign(t.Context(), elector(t, etcd.Ahead(o, func() time.Duration { tries <- struct{}{}; return 0 })))
	for range 4 {
		wait.For(t, "a try", tries)
	}
	select {
	case <-won:
		t.Error("it leads")
	default:
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	said := map[string]int{}
	for _, s := range told.all {
		if said[s.String()]++; said[s.String()] > 1 {
			t.Errorf("told again: %v", told.all)
		}
	}
}

func TestCampaignEndsWithItsContext(t *testing.T) {
	members := cluster(t, 1)
	oa, _ := options("a", members)
	a := lead(t, elector(t, oa))
	ob, told := options("b", members)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() { _, err := elector(t, ob).Campaign(ctx); ended <- err }()
	told.leader(t, "a")
	cancel(stop)
	if err := <-ended; !errors.Is(err, stop) {
		t.Errorf("the campaign ended with %v", err)
	}
	c := client(t, members)
	left, err := c.Get(t.Context(), "/holdfast/db/candidate/", clientv3.WithPrefix())
	must(t, err)
	if len(left.Kvs) != 1 {
		t.Errorf("%d candidates are left", len(left.Kvs))
	}
	must(t, a.Resign(t.Context()))
}

func TestGuarded(t *testing.T) {
	members := cluster(t, 1)
	o, _ := options("a", members)
	e := elector(t, o)
	term := lead(t, e)
	put := func(value string) []clientv3.Op { return []clientv3.Op{clientv3.OpPut("balance", value)} }
	done, err := etcd.Guarded(t.Context(), term, nil, put("1"), nil)
	must(t, err)
	if !done.Succeeded || done.Header.Revision == 0 {
		t.Errorf("the transaction was not made: %+v", done)
	}
	taken := clientv3.Compare(clientv3.Value("balance"), "=", "9")
	done, err = etcd.Guarded(t.Context(), term, []clientv3.Cmp{taken}, put("2"), []clientv3.Op{clientv3.OpGet("balance")})
	must(t, err)
	if done.Succeeded || string(done.Responses[0].GetResponseRange().Kvs[0].Value) != "1" {
		t.Errorf("the program's own condition holds: %+v", done)
	}
	must(t, term.Resign(t.Context()))
	next := lead(t, e)
	if _, err := etcd.Guarded(t.Context(), term, nil, put("3"), nil); !errors.Is(err, etcd.ErrSuperseded) {
		t.Errorf("a term that is over writes: %v", err)
	}
	_, err = etcd.Guarded(t.Context(), next, nil, put("4"), nil)
	must(t, err)
}

// The revision of an etcd that was restored from a copy of its files is older than what the
// machine saw, and its tokens were given before.
func TestRestoredEtcdGivesNoTokenTwice(t *testing.T) {
	members := cluster(t, 1)
	m := members[0]
	o, told := options("a", members)
	o.Kept = filepath.Join(t.TempDir(), "db.revision")
	o.TTL = 2 * time.Second
	m.Stop()
	backup := filepath.Join(t.TempDir(), "backup")
	must(t, os.CopyFS(backup, os.DirFS(m.Dir)))
	must(t, m.Start())

	e := elector(t, o)
	c := client(t, members)
	for range 20 {
		_, err := c.Put(t.Context(), "x", "y")
		must(t, err)
	}
	first := lead(t, e)
	m.Stop()
	must(t, os.RemoveAll(m.Dir))
	must(t, os.CopyFS(m.Dir, os.DirFS(backup)))
	must(t, m.Start())
	<-first.Lost()
	_ = first.Resign(t.Context()) // its lease is unknown, or etcd does not answer yet

	won := campaign(t.Context(), e)
	told.trouble(t, etcd.ErrWentBack)
	for { // its revision grows by others' writes, and by each try
		select {
		case term := <-won:
			if term.Token() <= first.Token() {
				t.Errorf("the token %d follows %d", term.Token(), first.Token())
			}
			return
		default:
			_, err := c.Put(t.Context(), "x", "y")
			must(t, err)
		}
	}
}
