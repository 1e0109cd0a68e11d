package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/singleton"
)

// A Term is the time for which a candidate leads.
type Term struct {
	c    *candidate
	lost chan struct{}
	end  context.CancelFunc // stops the renewals
	over chan struct{}      // closed when they have stopped

	mu       sync.Mutex
	deadline time.Duration // on the elector's clock
	cause    error         // why the term is lost
	trouble  error         // the last renewal's error
}

var (
	_ singleton.Term   = (*Term)(nil)
	_ singleton.Causer = (*Term)(nil)
)

// begin begins the term of c, which has just become the first candidate.
func (c *candidate) begin() *Term {
	ctx, cancel := context.WithCancel(context.Background())
	t := &Term{c: c, lost: make(chan struct{}), over: make(chan struct{}), end: cancel, deadline: c.renewed + c.e.o.TTL}
	go func() {
		defer close(t.over)
		done := make(chan struct{})
		go func() { t.watch(ctx); close(done) }()
		t.lead(ctx)
		t.c.hide()
		t.c.stream.close()
		<-done
	}()
	return t
}

// Token returns the create revision of the term's key.
func (t *Term) Token() uint64 { return uint64(t.c.token) } //nolint:gosec // revisions are positive

// Lost returns a channel that is closed when etcd has ended the lease, or when half of the TTL
// has passed without a renewal. [Term.Cause] tells which.
func (t *Term) Lost() <-chan struct{} { return t.lost }

// Deadline returns the time until which nobody else leads: see [singleton.Term].
func (t *Term) Deadline() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return singleton.DeadlineAt(t.deadline)
}

// Cause returns why the term is lost. Before that, it returns why the last renewal failed, or
// nil.
func (t *Term) Cause() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cause == nil {
		return t.c.e.explain(t.trouble)
	}
	return t.cause
}

// Resign ends the term, so that the next candidate can lead at once. It is an error if etcd
// cannot be reached, and the next candidate then waits for the end of the lease.
func (t *Term) Resign(ctx context.Context) error {
	t.end()
	select {
	case <-t.over:
	case <-ctx.Done():
		return fmt.Errorf("resign: %w", context.Cause(ctx))
	}
	if _, err := t.c.client.Revoke(ctx, t.c.lease); err != nil && !isLeaseNotFound(err) {
		return fmt.Errorf("resign: %w", t.c.e.explain(err))
	}
	return nil
}

// Client returns the connection to etcd on which the term depends. It is closed with the
// elector.
func (t *Term) Client() *clientv3.Client { return t.c.client }

// Prefix returns the beginning of all keys of the service. What the leader keeps in etcd may
// be below it.
func (t *Term) Prefix() string { return t.c.e.o.Prefix }

// Explain puts the reason before an error of Client, such as [ErrUnreachable].
func (t *Term) Explain(err error) error { return t.c.e.explain(err) }

// lead proclaims the term and renews it, until ctx ends or the term is lost.
func (t *Term) lead(ctx context.Context) {
	proclaimed := false
	for {
		pause := t.c.e.o.every
		err := t.renew(ctx)
		switch {
		case err == nil && !proclaimed:
			proclaimed = t.proclaim(ctx) == nil
		case errors.Is(err, errLeaseLost), errors.Is(err, errKeyLost):
			now, _ := t.c.e.o.now() // 0 after an error: long ago
			t.mu.Lock()
			t.deadline = min(t.deadline, now) // somebody else may lead already
			t.mu.Unlock()
			t.lose(err)
			return
		case err != nil:
			pause = t.c.e.o.TTL / 60
		}
		select {
		case <-ctx.Done():
			return
		case <-t.lost:
			return
		case <-time.After(pause):
		}
	}
}

// renew renews the lease, and then sees that the key is still there, by a quorum. A lease
// alone proves little: in an etcd that was restored from a snapshot it may exist without the
// key, and a member of etcd that no longer leads, but has not noticed yet, renews it for itself
// alone.
func (t *Term) renew(ctx context.Context) error {
	err := t.c.renew(ctx)
	if err == nil {
		err = t.c.check(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.trouble = err; err == nil {
		t.deadline = t.c.renewed + t.c.e.o.TTL
	}
	return err
}

// check reads the candidate's own key, and sees that the last renewal counts. Only the leader of
// etcd renews leases, and asks nobody whether it still leads if it was active in the last 300 ms,
// or has just been woken (EtcdServer.ensureLeadership). A quorum that is still in the same term of
// Raft has elected no other leader before the renewal.
func (c *candidate) check(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, c.e.patience())
	defer cancel()
	resp, err := c.client.Get(within, c.key, clientv3.WithKeysOnly())
	switch {
	case err != nil:
		return fmt.Errorf("read the leader's own key: %w", err)
	case len(resp.Kvs) == 0 || resp.Kvs[0].CreateRevision != c.token:
		return errKeyLost
	case resp.Header.RaftTerm > c.stream.term:
		return errFormer
	}
	return nil
}

// proclaim tells the other candidates who leads.
func (t *Term) proclaim(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, t.c.e.patience())
	defer cancel()
	value, err := json.Marshal(proclamation{Who: t.c.e.o.Who, Since: time.Now().UTC()})
	if err != nil {
		return err
	}
	resp, err := t.c.client.Txn(within).If(t.c.guard()).
		Then(clientv3.OpPut(t.c.e.leaderKey(), string(value), clientv3.WithLease(t.c.lease))).Commit()
	if err == nil && !resp.Succeeded {
		err = errKeyLost
	}
	return err
}

// watch closes lost when half of the TTL is left. It looks every second, since a timer does
// not run while the machine sleeps.
func (t *Term) watch(ctx context.Context) {
	for {
		now, err := t.c.e.o.now()
		t.mu.Lock()
		left := t.deadline - t.c.e.o.TTL/2 - now
		trouble := t.trouble
		t.mu.Unlock()
		switch {
		case err != nil:
			t.lose(err)
			return
		case left <= 0 && trouble != nil:
			t.lose(fmt.Errorf("no renewal for %v: %w", t.c.e.o.TTL/2, t.c.e.explain(trouble)))
			return
		case left <= 0:
			t.lose(fmt.Errorf("no renewal for %v: the process or the machine was paused, or etcd is slow", t.c.e.o.TTL/2))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-t.lost:
			return
		case <-time.After(min(left, time.Second)):
		}
	}
}

// lose closes lost, once.
func (t *Term) lose(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cause == nil {
		t.cause = cause
		close(t.lost)
	}
}
