package etcd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/singleton"
)

// A Roster keeps in etcd what the machines of a name show, and their plan: see
// [singleton.Roster]. The keys are
//
//	PREFIX/NAME/roster/seen/MACHINE              what it showed last; without a lease
//	PREFIX/NAME/roster/live/MACHINE              under the lease of its candidate
//	PREFIX/NAME/roster/attended/MACHINE/LEASE    under the lease of a command
//	PREFIX/NAME/roster/plan                      without a lease
type Roster struct {
	dialer *Dialer
	client *clientv3.Client
	keys   string // the beginning of all keys

	mu    sync.Mutex
	leave context.CancelFunc // ends Attend
	left  chan struct{}
}

var _ singleton.Roster = (*Roster)(nil)

// attendTTL is how long a command that was killed still counts as at work.
const attendTTL = 10 * time.Second

// NewRoster returns the roster of a name. It does not wait for etcd, unless there is a user.
func NewRoster(ctx context.Context, d *Dialer, prefix, name string) (*Roster, error) {
	client, err := d.Connect(ctx)
	if err != nil {
		return nil, explain(err, d.Handshake())
	}
	return &Roster{dialer: d, client: client, keys: keysOf(prefix, name) + "roster/"}, nil
}

const (
	seenKey     = "seen/"
	liveKey     = "live/"
	attendedKey = "attended/"
	planKey     = "plan"
)

// Look reads all keys in one request, so that they belong together.
func (r *Roster) Look(ctx context.Context) (singleton.Board, error) {
	resp, err := r.client.Get(ctx, r.keys, clientv3.WithPrefix())
	if err != nil {
		return singleton.Board{}, r.explain(err)
	}
	b := singleton.Board{Revision: resp.Header.Revision}
	at := func(name string) *singleton.Machine {
		i := slices.IndexFunc(b.Machines, func(m singleton.Machine) bool { return m.Name == name })
		if i < 0 {
			b.Machines = append(b.Machines, singleton.Machine{Name: name})
			i = len(b.Machines) - 1
		}
		return &b.Machines[i]
	}
	for _, kv := range resp.Kvs {
		key := strings.TrimPrefix(string(kv.Key), r.keys)
		kind, name, _ := strings.Cut(key, "/")
		switch kind + "/" {
		case planKey + "/":
			b.Plan, b.PlanRevision = kv.Value, kv.ModRevision
		case seenKey:
			at(name).Entry = kv.Value
		case liveKey:
			at(name).Live = true
		case attendedKey:
			name, _, _ = strings.Cut(name, "/")
			at(name).Attended = string(kv.Value)
		}
	}
	slices.SortFunc(b.Machines, func(x, y singleton.Machine) int { return strings.Compare(x.Name, y.Name) })
	return b, nil
}

// Await watches the keys.
func (r *Roster) Await(ctx context.Context, seen singleton.Board) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for resp := range r.client.Watch(clientv3.WithRequireLeader(ctx), r.keys, clientv3.WithPrefix(), clientv3.WithRev(seen.Revision+1)) {
		switch {
		case resp.CompactRevision != 0, len(resp.Events) > 0:
			return nil
		case resp.Err() != nil:
			return r.explain(resp.Err())
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w: it has ended the watch", ErrNoAnswer)
}

// Change makes one transaction on the plan's revision.
func (r *Roster) Change(ctx context.Context, seen singleton.Board, plan []byte) error {
	key := r.keys + planKey
	resp, err := r.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", seen.PlanRevision)).
		Then(clientv3.OpPut(key, string(plan))).Commit()
	switch {
	case err != nil:
		return r.explain(err)
	case !resp.Succeeded:
		return singleton.ErrOvertaken
	}
	return nil
}

// Forget removes what a machine showed.
func (r *Roster) Forget(ctx context.Context, machine string) error {
	resp, err := r.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(r.keys+liveKey+machine), "=", 0)).
		Then(clientv3.OpDelete(r.keys + seenKey + machine)).Commit()
	switch {
	case err != nil:
		return r.explain(err)
	case !resp.Succeeded:
		return fmt.Errorf("%s is live", machine)
	case resp.Responses[0].GetResponseDeleteRange().GetDeleted() == 0:
		return fmt.Errorf("there is no machine %q", machine)
	}
	return nil
}

// Attend puts a key under a lease, which it renews until Close.
func (r *Roster) Attend(ctx context.Context, machine, purpose string) error {
	renewals, lease, err := r.attend(ctx, machine, purpose)
	if err != nil {
		return r.explain(err)
	}
	attending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	left := make(chan struct{})
	r.mu.Lock()
	r.leave, r.left = cancel, left
	r.mu.Unlock()
	go func() {
		defer close(left)
		for r.renew(attending, renewals) {
			for { // the lease has ended
				if renewals, lease, err = r.attend(attending, machine, purpose); err == nil {
					break
				}
				if !sleep(attending, time.Second) {
					return
				}
			}
		}
		within, cancel := context.WithTimeout(context.WithoutCancel(attending), time.Second)
		defer cancel()
		_, _ = r.client.Revoke(within, lease) // or it ends by itself
	}()
	return nil
}

func (r *Roster) attend(ctx context.Context, machine, purpose string) (<-chan *clientv3.LeaseKeepAliveResponse, clientv3.LeaseID, error) {
	within, cancel := context.WithTimeout(ctx, attendTTL)
	defer cancel()
	lease, err := r.client.Grant(within, int64(attendTTL/time.Second))
	if err != nil {
		return nil, 0, err
	}
	key := fmt.Sprintf("%s%s%s/%016x", r.keys, attendedKey, machine, lease.ID)
	if _, err = r.client.Put(within, key, purpose, clientv3.WithLease(lease.ID)); err != nil {
		return nil, 0, err
	}
	renewals, err := r.client.KeepAlive(context.WithoutCancel(ctx), lease.ID)
	return renewals, lease.ID, err
}

// renew waits until the lease has ended, and reports whether ctx has not.
func (r *Roster) renew(ctx context.Context, renewals <-chan *clientv3.LeaseKeepAliveResponse) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case _, on := <-renewals:
			if !on {
				return ctx.Err() == nil
			}
		}
	}
}

// Close ends Attend at once, if etcd answers, and closes the connection.
func (r *Roster) Close() error {
	r.mu.Lock()
	leave, left := r.leave, r.left
	r.mu.Unlock()
	if leave != nil {
		leave()
		<-left
	}
	return r.client.Close()
}

func (r *Roster) explain(err error) error { return explain(err, r.dialer.Handshake()) }
