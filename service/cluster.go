package service

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A Cluster elects the one instance of the service that works, among those on several
// machines. [Config.Cluster] names it; a module of its own provides it, so that other programs
// do not link the engine. Its table in the configuration file is [service.cluster].
type Cluster interface {
	// Defaults returns a pointer to a struct that embeds [ClusterSettings], with the defaults
	// of [service.cluster], as for the function [DecodeTable]. The struct is decoded, and its
	// Validate called, whenever a configuration is loaded. Defaults may be called at any time,
	// in any process.
	Defaults() any
	// Elect returns the elector of one life. settings is the value that Defaults returned,
	// decoded from the file. ctx ends after start_timeout, or when a stop is requested. An
	// error fails the start, so an engine that cannot be reached must not be one: Campaign
	// waits for it. If the elector is an [io.Closer], it is closed at the end of the life,
	// after the term was resigned. It is not closed if the program may still be at work, and
	// its term then ends at its deadline.
	Elect(ctx context.Context, c Candidate, settings any) (singleton.Elector, error)
}

// A Candidate is the instance that campaigns.
type Candidate struct {
	ID      string // of the service on its machine, with its instance
	Name    string // unique in the cluster, for people: the ID and the machine's name
	Machine string // its name, by which a [Rostered] cluster knows it
	Version string // of the program
	Log     *slog.Logger
	// Told shows a text as the status of a candidate that waits: "db@m2 leads since 10:02",
	// "etcd does not answer: …". The leader logs it. It never blocks. The text must not
	// contain secrets.
	Told func(text string)
}

// OnLost says what follows when the term is lost.
type OnLost string

// What follows after the ordered stop of a leader that has lost its term.
const (
	LostCampaign OnLost = "campaign" // it campaigns again in the same process
	LostExit     OnLost = "exit"     // the process fails, and the manager restarts it
)

// ClusterSettings are the keys of [service.cluster] that every engine has.
type ClusterSettings struct {
	Name    string        `toml:"name" help:"what the instances compete for; default: the name of the service, with its instance"`
	TTL     time.Duration `toml:"ttl" help:"how long a leader that is not heard from keeps its term; default: the shortest that stop_timeout allows"`
	Machine string        `toml:"machine" help:"name of this machine among those of the cluster; no other may have it; default: its host name"`
	OnLost  OnLost        `toml:"on_lost" help:"after a lost term: campaign (again, in the same process), exit (so that the manager restarts it)"`
}

// clusterTable is the name of a cluster's table in [service].
const clusterTable = "cluster"

// clustered is a struct that embeds ClusterSettings.
type clustered interface{ cluster() *ClusterSettings }

func (s *ClusterSettings) cluster() *ClusterSettings { return s }

// clusterSettings returns the settings of c's cluster, or nil if it has none or is not loaded.
func (c *Config) clusterSettings() *ClusterSettings {
	if s, ok := c.extensions[clusterTable].(clustered); ok {
		return s.cluster()
	}
	return nil
}

// completeCluster fills in the defaults of c's cluster, which has just been decoded. c has its
// own.
func (c *Config) completeCluster() {
	if s := c.clusterSettings(); s != nil {
		s.complete(c)
	}
}

// clusterMargin is the time before the deadline at which a leader that has lost its term is
// forced to exit. The records, the alarms and the log share it.
const clusterMargin = 4 * time.Second

// leastTTL returns the shortest TTL that leaves time for an ordered stop after half of it went
// by without a renewal.
func leastTTL(stop time.Duration) time.Duration { return 2 * (stop + clusterMargin) }

// complete fills in the defaults for c, which has its own.
func (s *ClusterSettings) complete(c *Config) {
	set(&s.Name, c.ID("").String())
	set(&s.OnLost, LostCampaign)
	if host, err := os.Hostname(); err == nil {
		set(&s.Machine, host)
	}
	set(&s.Machine, "unknown")
	set(&s.TTL, leastTTL(c.StopTimeout))
}

func (s *ClusterSettings) check(stop time.Duration, bad func(key string, err error)) {
	bad(clusterTable+".on_lost", platform.OneOf(s.OnLost, []OnLost{LostCampaign, LostExit}))
	if err := checkMachine(s.Machine); err != nil {
		bad(clusterTable+".machine", err)
	}
	if least := leastTTL(stop); s.TTL < least {
		bad(clusterTable+".ttl", fmt.Errorf("%v is %v too short for a stop_timeout of %v: it has to be %v, or stop_timeout %v shorter",
			s.TTL, least-s.TTL, stop, least, (least-s.TTL)/2))
	}
}
