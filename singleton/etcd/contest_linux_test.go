package etcd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
)

func init() { //nolint:gochecknoinits // what the test binary can be beside a test
	roles["contest"] = playContest
}

// A contender elects with this package or with etcd's own.
type contender interface {
	campaign(ctx context.Context) error
	resign(ctx context.Context) error
}

// kinds of contenders. A candidate of etcd's own package does not know who leads unless it
// observes that, too.
const (
	ours        = "holdfast"
	theirs      = "concurrency.Election"
	theirsAware = "concurrency.Election with Observe"
)

// A contest says what a process of contenders has to do. The first one leads.
type contest struct {
	Kind      string
	Endpoints []string
	TTL       time.Duration
	Count     int
}

// contender returns one that has a connection of its own.
func (c contest) contender(ctx context.Context, who string) (contender, error) {
	dialer := &etcd.Dialer{Endpoints: c.Endpoints}
	if c.Kind == ours {
		e, err := etcd.NewElector(etcd.Options{Dialer: dialer, Name: "figures", TTL: c.TTL, Who: who})
		return &ourContender{elector: e}, err
	}
	client, err := dialer.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return newTheirContender(ctx, client, who, c)
}

type ourContender struct {
	elector *etcd.Elector
	term    singleton.Term
}

func (o *ourContender) campaign(ctx context.Context) (err error) {
	o.term, err = o.elector.Campaign(ctx)
	return err
}

func (o *ourContender) resign(ctx context.Context) error { return o.term.Resign(ctx) }

type theirContender struct {
	*concurrency.Election
	who string
}

func newTheirContender(ctx context.Context, client *clientv3.Client, who string, c contest) (*theirContender, error) {
	session, err := concurrency.NewSession(client, concurrency.WithTTL(int(c.TTL/time.Second)))
	if err != nil {
		return nil, err
	}
	e := concurrency.NewElection(session, "/figures/theirs")
	if c.Kind == theirsAware {
		seen := e.Observe(ctx)
		go func() {
			for range seen { //nolint:revive // only what it costs etcd matters
			}
		}()
	}
	return &theirContender{e, who}, nil
}

func (t *theirContender) campaign(ctx context.Context) error { return t.Campaign(ctx, t.who) }
func (t *theirContender) resign(ctx context.Context) error   { return t.Resign(ctx) }

// playContest prints the number of each contender that is elected. Any input makes that one
// resign.
func playContest() int {
	var c contest
	if err := json.Unmarshal([]byte(os.Getenv("HOLDFAST_CONTEST")), &c); err != nil {
		panic(err)
	}
	ctx := context.Background()
	elected := make(chan int)
	var all []contender
	for i := range c.Count {
		one, err := c.contender(ctx, fmt.Sprint(i))
		if err != nil {
			panic(err)
		}
		all = append(all, one)
	}
	for i, one := range all {
		go func() {
			if err := one.campaign(ctx); err != nil {
				panic(err)
			}
			elected <- i
		}()
	}
	leader := <-elected
	fmt.Println(leader)
	obey(func(string) {
		if err := all[leader].resign(ctx); err != nil {
			panic(err)
		}
		leader = <-elected
		fmt.Println(leader)
	})
	return 0
}
