package etcd

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/singleton"
)

// ErrSuperseded means that a transaction was not made, because the term on which it depends is
// over.
var ErrSuperseded = errors.New("the term is over: somebody else may lead")

// Guard returns the condition that t is not over, for a transaction of the same etcd. The
// transaction then has no effect if t's key does not have its create revision any more.
func (t *Term) Guard() clientv3.Cmp { return t.c.guard() }

// Of returns the term of this package that t is, or that t wraps by a method Unwrap.
func Of(t singleton.Term) (*Term, bool) {
	for t != nil {
		switch own := t.(type) {
		case *Term:
			return own, true
		case interface{ Unwrap() singleton.Term }:
			t = own.Unwrap()
		default:
			return nil, false
		}
	}
	return nil, false
}

// Guarded makes a transaction that has no effect unless t still leads when etcd makes it. If
// it does not, the error wraps [ErrSuperseded]. Otherwise the response is that of the
// transaction proper, in which Succeeded tells about ifs. t must be a [Term] of this package.
func Guarded(ctx context.Context, t singleton.Term, ifs []clientv3.Cmp, then, otherwise []clientv3.Op) (*clientv3.TxnResponse, error) {
	own, ok := Of(t)
	if !ok {
		return nil, fmt.Errorf("a %T is not a term that etcd gave", t)
	}
	resp, err := own.c.client.Txn(ctx).If(own.Guard()).Then(clientv3.OpTxn(ifs, then, otherwise)).Commit()
	switch {
	case err != nil:
		return nil, fmt.Errorf("transaction of term %d: %w", own.Token(), own.c.e.explain(err))
	case !resp.Succeeded:
		return nil, fmt.Errorf("transaction of term %d: %w", own.Token(), ErrSuperseded)
	}
	inner := clientv3.TxnResponse(*resp.Responses[0].GetResponseTxn())
	inner.Header = resp.Header
	return &inner, nil
}
