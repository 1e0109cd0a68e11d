// Command jobs is the job runner of the core's examples, on several machines: the primary
// runs on one of them, and workers on others. See README.md.
package main

import (
	"context"
	"errors"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/examples/jobs/runner"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/journalstore"
)

var version = "dev" // set by the linker

func main() {
	cfg := runner.Description(version)
	cfg.Cluster = etcd.New()
	os.Exit(runner.Main(cfg, place{}))
}

// A place is the etcd that has elected the primary. Whatever is written there is written on
// the condition that the term is not over.
type place struct{}

var errNoTerm = errors.New("etcd has not elected this instance")

func (place) Store(ctx context.Context, rt *service.Runtime) (journal.Store, error) {
	return journalstore.Open(ctx, rt.Term(), journalstore.Options{})
}

func (place) Read(ctx context.Context, rt *service.Runtime, name string) ([]byte, error) {
	term, ok := etcd.Of(rt.Term())
	if !ok {
		return nil, errNoTerm
	}
	got, err := term.Client().Get(ctx, key(term, name))
	if err != nil || len(got.Kvs) == 0 {
		return nil, term.Explain(err)
	}
	return got.Kvs[0].Value, nil
}

func (place) Write(ctx context.Context, rt *service.Runtime, name string, record []byte) error {
	term, ok := etcd.Of(rt.Term())
	if !ok {
		return errNoTerm
	}
	_, err := etcd.Guarded(ctx, term, nil, []clientv3.Op{clientv3.OpPut(key(term, name), string(record))}, nil)
	return err
}

func key(term *etcd.Term, name string) string { return term.Prefix() + "jobs/" + name }
