package etcd

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// renewals is a stream on which a lease is renewed. clientv3's KeepAliveOnce opens a new one
// each time, and then logs in again, which keeps etcd busy for a tenth of a second. One
// goroutine at a time may use it.
type renewals struct {
	client *clientv3.Client
	lease  clientv3.LeaseID
	ctx    context.Context    // of the stream
	cancel context.CancelFunc // nil: there is no stream
	stream pb.Lease_LeaseKeepAliveClient
	term   uint64 // of Raft, at the member that answered last; 0: none has
}

// renew renews the lease once, and returns when etcd has answered or ctx ends. After an error,
// the next call opens a new stream, perhaps to another member.
func (r *renewals) renew(ctx context.Context) error {
	ttl, err := r.ask(ctx)
	if err != nil {
		r.close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return rpctypes.Error(err)
	}
	if ttl <= 0 {
		return errLeaseLost
	}
	return nil
}

func (r *renewals) ask(ctx context.Context) (ttl int64, err error) {
	if r.cancel == nil {
		r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	}
	answered := context.AfterFunc(ctx, r.cancel) // the stream outlives ctx, unless that ends before the answer
	defer answered()
	if r.stream == nil {
		r.stream, err = pb.NewLeaseClient(r.client.ActiveConnection()).LeaseKeepAlive(r.ctx)
		if err != nil {
			return 0, err
		}
	}
	if err := r.stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(r.lease)}); err != nil {
		return 0, err
	}
	answer, err := r.stream.Recv()
	if err != nil {
		return 0, err
	}
	r.term = answer.GetHeader().GetRaftTerm()
	return answer.GetTTL(), nil
}

func (r *renewals) close() {
	if r.cancel != nil {
		r.cancel()
		r.cancel, r.stream = nil, nil
	}
}
