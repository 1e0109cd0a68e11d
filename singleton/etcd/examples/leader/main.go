// Command leader counts seconds in etcd, on one of several machines. See README.md.
package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
)

func main() {
	os.Exit(cli.Main(service.Config{
		Name:        "leader",
		Description: "Counts seconds, on one machine of a cluster",
		Cluster:     etcd.New(),
	}, program{}))
}

// counter is the key of what the leader alone may change.
const counter = "/leader/counter"

type program struct{}

// Start is called on the machine that leads. The others stand by.
func (program) Start(ctx context.Context, rt *service.Runtime) error {
	term, ok := etcd.Of(rt.Term())
	if !ok {
		return errors.New("etcd has not elected this instance")
	}
	last, err := term.Client().Get(ctx, counter)
	if err != nil {
		return err
	}
	n := 0
	if len(last.Kvs) > 0 {
		if n, err = strconv.Atoi(string(last.Kvs[0].Value)); err != nil {
			return err
		}
	}
	rt.Go("count", func(ctx context.Context) error {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			// This process may have been paused here for an hour. So etcd has the last word.
			n++
			_, err := etcd.Guarded(ctx, term, nil, []clientv3.Op{clientv3.OpPut(counter, strconv.Itoa(n))}, nil)
			switch {
			case ctx.Err() != nil || errors.Is(err, etcd.ErrSuperseded): // the stop is under way, or follows
				return nil
			case err != nil:
				rt.Slog().Warn("not counted", "error", err)
				n--
			default:
				rt.Slog().Info("counted", "n", n, "term", term.Token())
			}
		}
	})
	return nil
}

// Stop has nothing to do, because the context of the counter ends right after it.
func (program) Stop(context.Context) error { return nil }
