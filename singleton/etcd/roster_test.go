package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/wait"
)

func roster(t *testing.T, members []*embedded.Member) *etcd.Roster {
	t.Helper()
	r, err := etcd.NewRoster(t.Context(), &etcd.Dialer{Endpoints: embedded.Endpoints(members)}, "", "db")
	must(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// sees waits until the roster is as wanted, by what changes it.
func sees(t *testing.T, r *etcd.Roster, want string) singleton.Board {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait.Limit)
	defer cancel()
	for {
		b, err := r.Look(ctx)
		must(t, err)
		got := ""
		for _, m := range b.Machines {
			got += fmt.Sprintf("%s %s %v %s; ", m.Name, m.Entry, m.Live, m.Attended)
		}
		if got == want {
			return b
		}
		if err := r.Await(ctx, b); err != nil {
			t.Fatalf("%v: it is %q, want %q", err, got, want)
		}
	}
}

// What a machine shows lasts as long as its candidacy, and the machine is remembered longer.
func TestRosterOfMachines(t *testing.T) {
	members := cluster(t, 1)
	oa, _ := options("a", members)
	ob, told := options("b", members)
	oa.Machine, ob.Machine = "ma", "mb"
	a, b := elector(t, oa), elector(t, ob)
	a.Post([]byte("early"))
	term := lead(t, a)
	r := roster(t, members)
	sees(t, r, "ma early true ; ")
	won := campaign(t.Context(), b)
	told.leader(t, "a")
	b.Post([]byte("one"))
	b.Post([]byte("two"))
	a.Post([]byte("leads"))
	sees(t, r, "ma leads true ; mb two true ; ")
	if err := r.Forget(t.Context(), "ma"); err == nil {
		t.Error("a live machine is forgotten")
	}
	a.Post([]byte("stops"))
	sees(t, r, "ma stops true ; mb two true ; ")
	must(t, term.Resign(t.Context()))
	next := <-won
	sees(t, r, "ma stops false ; mb two true ; ")

	other := roster(t, members)
	must(t, other.Attend(t.Context(), "ma", "digest"))
	sees(t, r, "ma stops false digest; mb two true ; ")
	must(t, other.Close())
	sees(t, r, "ma stops false ; mb two true ; ")
	must(t, r.Forget(t.Context(), "ma"))
	if err := r.Forget(t.Context(), "ma"); err == nil {
		t.Error("what is not there is forgotten")
	}
	sees(t, r, "mb two true ; ")

	// A process that comes back from a pause does not write over what its successor shows.
	own, _ := etcd.Of(next)
	_, lease := own.LeaseKey()
	_, err := client(t, members).Revoke(t.Context(), clientv3.LeaseID(lease))
	must(t, err)
	sees(t, r, "mb two false ; ")
	b.Post([]byte("late"))
	<-next.Lost()
	sees(t, r, "mb two false ; ")
	lead(t, b)
	sees(t, r, "mb late true ; ")
}

func TestRosterChangesOnlyWhatItHasRead(t *testing.T) {
	members := cluster(t, 1)
	r := roster(t, members)
	none, err := r.Look(t.Context())
	must(t, err)
	must(t, r.Change(t.Context(), none, []byte("one")))
	if err := r.Change(t.Context(), none, []byte("two")); !errors.Is(err, singleton.ErrOvertaken) {
		t.Error(err)
	}
	must(t, r.Await(t.Context(), none))
	one, err := r.Look(t.Context())
	if string(one.Plan) != "one" || err != nil || one.Revision <= none.Revision {
		t.Errorf("%+v, %v", one, err)
	}
	must(t, r.Change(t.Context(), one, []byte("two")))
	within, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	two, err := r.Look(t.Context())
	must(t, err)
	if err := r.Await(within, two); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nothing has changed: %v", err)
	}
}

// While etcd is away, every call returns an error. A command is shown again when etcd is back.
func TestRosterWhileEtcdIsAway(t *testing.T) {
	members := cluster(t, 1)
	r := roster(t, members)
	must(t, r.Attend(t.Context(), "ma", "digest"))
	seen := sees(t, r, "ma  false digest; ")
	members[0].Stop()
	within, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := r.Look(within); err == nil {
		t.Error("it answers")
	}
	if err := r.Change(within, seen, []byte("x")); err == nil || errors.Is(err, singleton.ErrOvertaken) {
		t.Error(err)
	}
	must(t, members[0].Start())
	sees(t, r, "ma  false digest; ")
	must(t, r.Change(t.Context(), seen, []byte("x")))
	// Etcd has kept the lease. When it is gone, only the command can bring its key back.
	c := client(t, members)
	leases, err := c.Leases(t.Context())
	must(t, err)
	for _, l := range leases.Leases {
		_, err := c.Revoke(t.Context(), l.ID)
		must(t, err)
	}
	sees(t, r, "ma  false digest; ")
}
