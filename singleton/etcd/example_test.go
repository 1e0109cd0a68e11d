package etcd_test

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
)

// A service becomes one with a single leader among several machines by one more field. The
// endpoints of etcd are in [service.cluster].
func ExampleNew() {
	cfg := service.Config{Name: "billing", Cluster: etcd.New()}
	fmt.Println(cfg.Name) // os.Exit(cli.Main(cfg, program))
	// Output: billing
}

// A leader writes to etcd only as long as its term lasts. The condition is part of the
// transaction, so no pause between a look at the term and the write can break it.
func ExampleGuarded() {
	_ = func(ctx context.Context, rt *service.Runtime) error { // called by the program's Start
		term, ok := etcd.Of(rt.Term())
		if !ok {
			return errors.New("the service has no cluster")
		}
		write := clientv3.OpPut(term.Prefix()+"balance", "7")
		_, err := etcd.Guarded(ctx, term, nil, []clientv3.Op{write}, nil)
		if errors.Is(err, etcd.ErrSuperseded) {
			return fmt.Errorf("another instance leads: %w", err)
		}
		return err
	}
}
