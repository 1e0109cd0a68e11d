package etcd_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A formerLeader answers renewals as a member of etcd that has not noticed yet that it no longer
// leads.
type formerLeader struct {
	grpc.ClientStream
	answers *atomic.Bool
}

func (f *formerLeader) RecvMsg(m any) error {
	err := f.ClientStream.RecvMsg(m)
	if answer, ok := m.(*pb.LeaseKeepAliveResponse); ok && err == nil && f.answers.Load() {
		answer.Header.RaftTerm--
	}
	return err
}

// A member of etcd that was paused while another one was elected renews a lease for itself alone,
// until it notices. The leader must not take its term for longer than it is.
func TestARenewalByAFormerLeaderOfEtcdDoesNotCount(t *testing.T) {
	var former atomic.Bool
	var later atomic.Int64
	o, _ := options("a", cluster(t, 1))
	o = etcd.Dialing(o, grpc.WithChainStreamInterceptor(
		func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			s, err := open(ctx, desc, cc, method, opts...)
			return &formerLeader{s, &former}, err
		}))
	term := lead(t, elector(t, etcd.Ahead(eager(o), func() time.Duration { return time.Duration(later.Load()) })))
	renewed(t, term)
	former.Store(true)
	wait.Until(t, "a renewal that does not count", func() bool { return errors.Is(term.Cause(), etcd.ErrFormer) })
	later.Store(int64(o.TTL / 2))
	wait.For(t, "the term is lost", term.Lost())
	if !errors.Is(term.Cause(), etcd.ErrFormer) {
		t.Errorf("lost because of %v", term.Cause())
	}
}
