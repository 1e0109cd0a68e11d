package etcd_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// clusterWith starts one member with a changed configuration.
func clusterWith(t *testing.T, set func(*embed.Config)) []*embedded.Member {
	t.Helper()
	members, err := embedded.Plan(1, t.TempDir())
	must(t, err)
	members[0].Set = set
	t.Cleanup(members[0].Stop)
	must(t, members[0].Start())
	return members
}

// eager returns the options of a leader that renews its term often. Its time to live is that of
// others, so that no pause of the machine ends it.
func eager(o etcd.Options) etcd.Options { return etcd.Renewing(o, time.Second/10) }

// renewed waits until an eager leader has renewed its term some times.
func renewed(t *testing.T, term *etcd.Term) {
	t.Helper()
	first := term.Deadline()
	wait.Until(t, "renewals", func() bool { return isLost(term) || term.Deadline().Sub(first) >= time.Second })
	if isLost(term) {
		t.Fatal(term.Cause())
	}
}

// Without space, etcd accepts no new candidate. The leader goes on, and a candidate that
// already waits follows it.
func TestNoSpace(t *testing.T) {
	members := clusterWith(t, func(c *embed.Config) { c.QuotaBackendBytes = 2 << 20 })
	oa, _ := options("a", members)
	a := lead(t, elector(t, eager(oa)))
	ob, toldB := options("b", members)
	won := campaign(t.Context(), elector(t, ob))
	toldB.leader(t, "a")

	c := client(t, members)
	for {
		if _, err := c.Put(t.Context(), "fill", strings.Repeat("x", 512<<10)); err != nil {
			if !errors.Is(err, rpctypes.ErrNoSpace) {
				t.Fatal(err)
			}
			break
		}
	}
	oc, toldC := options("c", members)
	late := campaign(t.Context(), elector(t, oc))
	toldC.trouble(t, etcd.ErrNoSpace)
	renewed(t, a)
	must(t, a.Resign(t.Context()))
	b := <-won

	now, err := c.Get(t.Context(), "fill", clientv3.WithKeysOnly())
	must(t, err)
	_, err = c.Compact(t.Context(), now.Header.Revision, clientv3.WithCompactPhysical())
	must(t, err)
	_, err = c.Defragment(t.Context(), members[0].Client)
	must(t, err)
	_, err = c.AlarmDisarm(t.Context(), &clientv3.AlarmMember{})
	must(t, err)
	must(t, b.Resign(t.Context()))
	<-late
}

// A candidate whose user etcd refuses stands by and says so. Tokens of etcd that expire harm
// no term. If the user is removed, the term is lost.
func TestAuth(t *testing.T) {
	members := clusterWith(t, func(c *embed.Config) { c.AuthTokenTTL, c.BcryptCost = 1, 4 })
	c := client(t, members)
	ctx := t.Context()
	run := func(err error) { t.Helper(); must(t, err) }
	_, err := c.UserAdd(ctx, "root", "r")
	run(err)
	_, err = c.UserGrantRole(ctx, "root", "root")
	run(err)
	_, err = c.RoleAdd(ctx, "db")
	run(err)
	_, err = c.UserAdd(ctx, "db", "hunter2")
	run(err)
	_, err = c.UserGrantRole(ctx, "db", "db")
	run(err)
	_, err = c.AuthEnable(ctx)
	run(err)
	root, err := (&etcd.Dialer{Endpoints: embedded.Endpoints(members), User: "root", Password: "r"}).Connect(ctx)
	run(err)
	defer func() { _ = root.Close() }()

	o, told := options("a", members)
	o.Dialer.User, o.Dialer.Password = "db", "hunter3"
	wrong, cancel := context.WithCancel(ctx)
	lost := campaign(wrong, elector(t, o))
	told.trouble(t, etcd.ErrRefused)
	if last, _ := told.last(); strings.Contains(last.String(), "hunter") {
		t.Errorf("a password is told: %s", last)
	}
	cancel()

	o, told = options("a", members)
	o.Dialer.User, o.Dialer.Password = "db", "hunter2"
	var later atomic.Int64
	// A token expires between two renewals.
	e := elector(t, etcd.Ahead(etcd.Renewing(o, 2*time.Second), func() time.Duration { return time.Duration(later.Load()) }))
	won := campaign(ctx, e)
	told.trouble(t, etcd.ErrRefused) // no right to the keys
	_, err = root.RoleGrantPermission(ctx, "db", "/holdfast/", clientv3.GetPrefixRangeEnd("/holdfast/"), clientv3.PermissionType(clientv3.PermReadWrite))
	run(err)
	term, ok := etcd.Of(<-won)
	if !ok {
		t.Fatal("no term")
	}
	last := term.Deadline()
	wait.Until(t, "renewals after the end of a token", func() bool { return isLost(term) || term.Deadline().Sub(last) > 3*time.Second })
	_, err = root.UserDelete(ctx, "db")
	run(err)
	wait.Until(t, "etcd refuses a renewal", func() bool { return isLost(term) || errors.Is(term.Cause(), etcd.ErrRefused) })
	later.Store(int64(o.TTL / 2))
	<-term.Lost()
	if !errors.Is(term.Cause(), etcd.ErrRefused) {
		t.Errorf("lost because of %v", term.Cause())
	}
	select {
	case <-lost:
		t.Error("a wrong password leads")
	default:
	}
}

// What a candidate waits for may be compacted while it is cut off.
func TestCompactedWhileCutOff(t *testing.T) {
	members := cluster(t, 1)
	oa, _ := options("a", members)
	a := lead(t, elector(t, oa))
	ob, told := options("b", members)
	p := newProxy(t, members[0].Client)
	ob.Dialer.Endpoints = []string{p.url()}
	won := campaign(t.Context(), elector(t, ob))
	told.leader(t, "a")
	p.cut(true, true)
	p.drop()
	must(t, a.Resign(t.Context()))
	c := client(t, members)
	put, err := c.Put(t.Context(), "x", "y")
	must(t, err)
	_, err = c.Compact(t.Context(), put.Header.Revision)
	must(t, err)
	p.cut(false, false)
	p.drop()
	if b := <-won; b.Token() <= a.Token() {
		t.Errorf("the token %d follows %d", b.Token(), a.Token())
	}
}

// A member that was removed from its cluster ends the terms of candidates that know no other
// member, and no other term.
func TestMemberRemoved(t *testing.T) {
	members := cluster(t, 3)
	c := client(t, members[:2])
	oa, _ := options("a", members[2:])
	oa.TTL = 4 * time.Second
	oa.Name = "one"
	a := lead(t, elector(t, oa))
	ob, _ := options("b", members)
	b := lead(t, elector(t, eager(ob)))
	id := members[2].ID()
	wait.Until(t, "etcd removes the member", func() bool { // not before all of them have been connected for a while
		_, err := c.MemberRemove(t.Context(), id)
		return err == nil || errors.Is(err, rpctypes.ErrMemberNotFound)
	})
	<-a.Lost()
	t.Log(a.Cause()) // how such a member refuses depends on how far its end is
	renewed(t, b)
}
