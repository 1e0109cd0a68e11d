// Package embedded runs members of etcd for tests and measurements.
package embedded

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/holdfast-dev/holdfast/test/port"
)

// A Member is one member of a cluster of etcd. It has addresses and a directory, and may run
// or not.
type Member struct {
	Name    string
	Client  string // URL
	Peer    string // URL at which it listens
	Reached string // URL at which the other members reach it
	Dir     string
	Cluster string // all members, as for --initial-cluster
	Syncs   bool   // its disk; otherwise what it writes survives processes, and not the machine
	// Set changes the configuration before each start.
	Set func(*embed.Config) `json:"-"`

	etcd *embed.Etcd
}

// Plan returns n members of a new cluster, in dir, on free ports of this machine.
func Plan(n int, dir string) ([]*Member, error) {
	ports, err := port.Free(2 * n)
	if err != nil {
		return nil, err
	}
	var members []*Member
	for i := range n {
		m := &Member{
			Name: fmt.Sprintf("m%d", i), Dir: filepath.Join(dir, fmt.Sprintf("m%d", i)),
			Client: "http://" + port.Local(ports[2*i]), Peer: "http://" + port.Local(ports[2*i+1]),
		}
		m.Reached = m.Peer
		members = append(members, m)
	}
	Introduce(members)
	return members, nil
}

// Introduce tells each member of a new cluster how the others are reached. [Plan] has done it.
func Introduce(members []*Member) {
	var cluster []string
	for _, m := range members {
		cluster = append(cluster, m.Name+"="+m.Reached)
	}
	for _, m := range members {
		m.Cluster = strings.Join(cluster, ",")
	}
}

// Config returns the configuration of the member.
func (m *Member) Config() (*embed.Config, error) {
	client, err := url.Parse(m.Client)
	if err != nil {
		return nil, err
	}
	peer, err := url.Parse(m.Peer)
	if err != nil {
		return nil, err
	}
	reached, err := url.Parse(m.Reached)
	if err != nil {
		return nil, err
	}
	c := embed.NewConfig()
	c.Name, c.Dir, c.InitialCluster = m.Name, m.Dir, m.Cluster
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*reached}
	c.TickMs, c.ElectionMs = 50, 500 // so that the shortest time to live is a second
	c.UnsafeNoFsync = !m.Syncs
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	if m.Set != nil {
		m.Set(c)
	}
	return c, nil
}

// Start runs the member in this process. It blocks until the member serves, for which most of
// the cluster must run.
func (m *Member) Start() error {
	c, err := m.Config()
	if err != nil {
		return err
	}
	m.etcd, err = embed.StartEtcd(c)
	if err != nil {
		return err
	}
	select {
	case <-m.etcd.Server.ReadyNotify():
		return nil
	case err := <-m.etcd.Err():
		return err
	case <-m.etcd.Server.StopNotify():
		return errors.New("the member has stopped")
	}
}

// Leads reports whether the member leads its cluster.
func (m *Member) Leads() bool {
	return m.etcd != nil && m.etcd.Server.Leader() == m.etcd.Server.MemberID()
}

// ID returns the number of the running member.
func (m *Member) ID() uint64 { return uint64(m.etcd.Server.MemberID()) }

// Stop stops the member, if it runs.
func (m *Member) Stop() {
	if m.etcd != nil {
		m.etcd.Close()
		m.etcd = nil
	}
}

// StartAll starts all members and returns when they serve.
func StartAll(members []*Member) error {
	errs := make(chan error, len(members))
	for _, m := range members {
		go func() { errs <- m.Start() }()
	}
	var all []error
	for range members {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// Endpoints returns the members' URLs for clients.
func Endpoints(members []*Member) (urls []string) {
	for _, m := range members {
		urls = append(urls, m.Client)
	}
	return urls
}
