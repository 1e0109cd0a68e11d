package etcd

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A Cluster elects by etcd as [service.cluster] says. It is a [service.Cluster].
type Cluster struct{}

var (
	_ service.Cluster  = Cluster{}
	_ service.Rostered = Cluster{}
)

// New returns what [service.Config.Cluster] needs.
func New() Cluster { return Cluster{} }

// Defaults returns [Settings].
func (Cluster) Defaults() any { return &Settings{Prefix: defaultPrefix} }

// Elect returns the elector of a life. It reads the files that the settings name, and does not
// connect yet.
func (Cluster) Elect(ctx context.Context, c service.Candidate, settings any) (singleton.Elector, error) {
	s, ok := settings.(*Settings)
	if !ok {
		return nil, fmt.Errorf("the settings of etcd are a %T", settings)
	}
	dialer, err := s.dialer()
	if err != nil {
		return nil, err
	}
	if s.bare() && c.Log != nil {
		c.Log.Warn("the password goes to etcd without TLS: anybody on the way can read it; use https", "key", "cluster.endpoints")
	}
	o := Options{
		Dialer: dialer, Prefix: s.Prefix, Name: s.Name, TTL: (s.TTL + time.Second - 1).Truncate(time.Second), Who: c.Name, Machine: s.Machine,
		Told: func(st Standing) { c.Told(st.String()) },
	}
	if rt := service.FromContext(ctx); rt != nil {
		o.Kept = rt.StatePath(".revision")
	}
	return NewElector(o)
}

// Roster returns what the machines of the cluster show of themselves: see [Roster].
func (Cluster) Roster(ctx context.Context, settings any) (singleton.Roster, error) {
	s, ok := settings.(*Settings)
	if !ok {
		return nil, fmt.Errorf("the settings of etcd are a %T", settings)
	}
	dialer, err := s.dialer()
	if err != nil {
		return nil, err
	}
	return NewRoster(ctx, dialer, s.Prefix, s.Name)
}
