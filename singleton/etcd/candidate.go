package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"
)

// A candidate is a key under a lease.
type candidate struct {
	e       *Elector
	client  *clientv3.Client
	lease   clientv3.LeaseID
	key     string
	token   int64         // the key's create revision
	renewed time.Duration // before the last renewal was sent, on the elector's clock
	stream  renewals      // on which that is done
	seen    uint64        // Raft's term at the last look at the older candidates
	hide    func()        // ends show
}

// A proclamation is the value of the leader's key.
type proclamation struct {
	Who   string    `json:"who"`
	Since time.Time `json:"since"`
}

var (
	errLeaseLost = errors.New("the lease has ended")
	errFormer    = errors.New("etcd has elected another leader since the renewal, which may not know of it")
	errKeyLost   = errors.New("the key is gone: somebody has removed it, or etcd was restored from a snapshot")
)

func (e *Elector) leaderKey() string       { return e.o.Prefix + "leader" }
func (e *Elector) candidatesKey() string   { return e.o.Prefix + "candidate/" }
func (e *Elector) patience() time.Duration { return max(e.o.TTL/12, 300*time.Millisecond) }

// compete joins the candidates and waits until it is the first. After an error, the candidate
// has left.
func (e *Elector) compete(ctx context.Context) (*Term, error) {
	answered := e.tellSilence()
	client, err := e.connected(ctx)
	var c *candidate
	if err == nil {
		c, err = e.join(ctx, client)
	}
	answered()
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, e.silence() // in the same words, so that the text changes only with the reason
	}
	if err != nil {
		return nil, err
	}
	if err = c.wait(ctx); err == nil {
		err = c.prove(ctx)
	}
	if err != nil {
		c.leave(ctx)
		return nil, err
	}
	return c.begin(), nil
}

// prove renews the lease anew if the last renewal does not count: see check.
func (c *candidate) prove(ctx context.Context) error {
	if c.stream.term == 0 || c.stream.term >= c.seen { // a grant is made by a quorum
		return nil
	}
	if err := c.renew(ctx); err != nil {
		return err
	}
	return c.check(ctx)
}

// silentAfter is how long etcd may take for its first answer before people are told.
const silentAfter = 2 * time.Second

// tellSilence tells that etcd does not answer, unless the function it returns is called soon.
// The error of the client comes only after half of the time to live.
func (e *Elector) tellSilence() (answered func()) {
	over := make(chan struct{})
	timer := time.AfterFunc(min(silentAfter, e.o.TTL/2), func() {
		e.tell(Standing{Trouble: e.silence()})
		close(over)
	})
	return func() {
		if !timer.Stop() {
			<-over
		}
	}
}

// silence returns why etcd has not answered yet.
func (e *Elector) silence() error {
	if shook := e.o.Dialer.Handshake(); shook != nil {
		return fmt.Errorf("%w: %w", ErrTLS, shook)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil && e.client.ActiveConnection().GetState() == connectivity.TransientFailure {
		return fmt.Errorf("%w: no connection to any endpoint", ErrUnreachable)
	}
	return fmt.Errorf("%w: no answer yet", ErrNoAnswer)
}

// join grants the lease and puts the key.
func (e *Elector) join(ctx context.Context, client *clientv3.Client) (*candidate, error) {
	within, cancel := context.WithTimeout(ctx, e.o.TTL/2)
	defer cancel()
	sent, err := e.o.now()
	if err != nil {
		return nil, err
	}
	lease, err := client.Grant(within, int64(e.o.TTL/time.Second))
	if err != nil {
		return nil, fmt.Errorf("grant a lease: %w", err)
	}
	c := &candidate{
		e: e, client: client, lease: lease.ID, renewed: sent, key: fmt.Sprintf("%s%016x", e.candidatesKey(), lease.ID),
		stream: renewals{client: client, lease: lease.ID}, hide: func() {},
	}
	put, err := client.Txn(within).
		If(clientv3.Compare(clientv3.CreateRevision(c.key), "=", 0)).
		Then(clientv3.OpPut(c.key, e.o.Who, clientv3.WithLease(c.lease))).Commit()
	switch {
	case err == nil && !put.Succeeded:
		err = fmt.Errorf("the key %s exists already", c.key)
	case err == nil:
		c.token = put.Header.Revision
		err = e.remember(c.token)
	}
	if err != nil {
		c.leave(ctx)
		return nil, fmt.Errorf("put the candidate's key: %w", err)
	}
	c.show()
	return c, nil
}

// leave ends the lease, and with it the key. If that fails, they end with the time to live.
func (c *candidate) leave(ctx context.Context) {
	c.hide()
	c.stream.close()
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.e.patience())
	defer cancel()
	_, _ = c.client.Revoke(within, c.lease)
}

// wait blocks until c is the first candidate. It keeps the lease alive meanwhile.
func (c *candidate) wait(parent context.Context) error {
	ctx, fail := context.WithCancelCause(parent)
	done := make(chan struct{}, 2)
	go func() { fail(c.keep(ctx)); done <- struct{}{} }()
	go func() { c.observe(ctx); done <- struct{}{} }()
	err := c.turn(ctx)
	if ctx.Err() != nil { // even if it is the first one: the lease may have ended since
		err = context.Cause(ctx)
	}
	fail(context.Canceled)
	<-done
	<-done
	return err
}

// keep renews the lease until ctx ends, or until half of its time is over. It renews no more
// often than etcd's own client, which does so after a third and up to half a second.
func (c *candidate) keep(ctx context.Context) error {
	for {
		now, err := c.e.o.now()
		if err != nil {
			return err
		}
		next := c.renewed + 3*c.e.o.TTL/8
		if !sleep(ctx, next-now) {
			return ctx.Err()
		}
		if err := c.renew(ctx); err != nil {
			if ctx.Err() != nil || errors.Is(err, errLeaseLost) {
				return err
			}
			if now, e := c.e.o.now(); e != nil || now > c.renewed+c.e.o.TTL/2 {
				return err
			}
			if !sleep(ctx, c.e.o.TTL/60) {
				return ctx.Err()
			}
		}
	}
}

// renew renews the lease once.
func (c *candidate) renew(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, c.e.patience())
	defer cancel()
	sent, err := c.e.o.now()
	if err != nil {
		return err
	}
	if err := c.stream.renew(within); err != nil {
		if isLeaseNotFound(err) {
			return errLeaseLost
		}
		return fmt.Errorf("renew the lease: %w", err)
	}
	c.renewed = sent
	return nil
}

// turn blocks until no older candidate is left.
func (c *candidate) turn(ctx context.Context) error {
	older := append(clientv3.WithLastCreate(), clientv3.WithMaxCreateRev(c.token-1))
	for {
		before, rev, err := c.confirm(ctx, clientv3.OpGet(c.e.candidatesKey(), older...))
		if err != nil || before == nil {
			return err
		}
		if err := c.awaitEnd(ctx, string(before.Key), rev+1); err != nil {
			return err
		}
	}
}

// confirm reads a key, on the condition that c's own key is as c put it.
func (c *candidate) confirm(ctx context.Context, get clientv3.Op) (*mvccpb.KeyValue, int64, error) {
	within, cancel := context.WithTimeout(ctx, c.e.o.TTL/3)
	defer cancel()
	resp, err := c.client.Txn(within).If(c.guard()).Then(get).Commit()
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("read the candidates: %w", err)
	case !resp.Succeeded:
		return nil, 0, errKeyLost
	}
	c.seen = resp.Header.RaftTerm
	if kvs := resp.Responses[0].GetResponseRange().GetKvs(); len(kvs) > 0 {
		return kvs[0], resp.Header.Revision, nil
	}
	return nil, resp.Header.Revision, nil
}

func (c *candidate) guard() clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(c.key), "=", c.token)
}

// awaitEnd blocks until the key is deleted, in or after the given revision, or until it cannot
// tell any more, because etcd has compacted that revision: the caller looks again.
func (c *candidate) awaitEnd(ctx context.Context, key string, rev int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for resp := range c.client.Watch(clientv3.WithRequireLeader(ctx), key, clientv3.WithRev(rev), clientv3.WithFilterPut()) {
		if resp.CompactRevision != 0 {
			return nil
		}
		if err := resp.Err(); err != nil {
			return fmt.Errorf("watch the candidate before: %w", err)
		}
		if len(resp.Events) > 0 {
			return nil
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.New("watch the candidate before: etcd has ended the watch")
}

// observe tells who leads until ctx ends. Nothing depends on it but what people read, so it
// tries again after an error.
func (c *candidate) observe(ctx context.Context) {
	for {
		c.observeOnce(ctx)
		if !sleep(ctx, c.e.o.TTL/3) {
			return
		}
	}
}

// observeOnce tells who leads until etcd fails or ends the watch.
func (c *candidate) observeOnce(ctx context.Context) {
	resp, err := c.client.Get(ctx, c.e.leaderKey(), clientv3.WithSerializable())
	if err != nil {
		return
	}
	var now *mvccpb.KeyValue
	if len(resp.Kvs) > 0 {
		now = resp.Kvs[0]
	}
	c.see(now)
	// Watches of one kind share a stream to etcd: this is one like that of awaitEnd.
	for resp := range c.client.Watch(clientv3.WithRequireLeader(ctx), c.e.leaderKey(), clientv3.WithRev(resp.Header.Revision+1)) {
		if resp.Err() != nil {
			return
		}
		for _, event := range resp.Events {
			if event.Type == mvccpb.DELETE {
				event.Kv = nil
			}
			c.see(event.Kv)
		}
	}
}

// see tells who leads by the leader's key, and keeps its revision.
func (c *candidate) see(kv *mvccpb.KeyValue) {
	var p proclamation
	if kv != nil && json.Unmarshal(kv.Value, &p) == nil {
		_ = c.e.remember(kv.ModRevision) // told when the candidate joins the next time
	}
	c.e.tell(Standing{Leader: p.Who, Since: p.Since})
}

// sleep blocks for d, and reports whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
