package service

import (
	"cmp"
	"context"
	"errors"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/alarm"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

// RunOn is Run on a host that the test plays.
func RunOn(ctx context.Context, host platform.Host, warning error, cfg Config, prog Program) error {
	return thisMachine().run(ctx, host, warning, &cfg, prog)
}

// A Machine replaces calls that may block before a life begins. Nil fields keep the real ones.
type Machine struct {
	Load    func(Config) (Config, error)
	OpenLog func(name string, o logsink.Options) (*logsink.Sink, error)
	Acquire func(singleton.Options) (*singleton.Lock, error)

	WriteState  func(path string, s State) error
	CloseRecord func(r *recovery.Record, exit platform.Exit, forced bool) error

	Online func() bool
	Watch  alarm.Changes // nil: the system reports no changes, as none can in a bubble
}

// blind stands for a system that reports no changes.
type blind struct{}

func (blind) Arm() error            { return errors.ErrUnsupported }
func (blind) Told() <-chan struct{} { return nil }
func (blind) Close()                {}

// RunOn is RunOn with the calls of m.
func (m Machine) RunOn(ctx context.Context, host platform.Host, cfg Config, prog Program) error {
	on := thisMachine()
	if m.Load != nil {
		on.load = func(c *Config) (*Config, error) {
			loaded, err := m.Load(*c)
			return &loaded, err
		}
	}
	if m.OpenLog != nil {
		on.openLog = m.OpenLog
	}
	if m.Acquire != nil {
		on.acquire = m.Acquire
	}
	if m.WriteState != nil {
		on.writeState = m.WriteState
	}
	if m.CloseRecord != nil {
		on.closeRecord = m.CloseRecord
	}
	if m.Online != nil {
		on.online = m.Online
	}
	on.watch = func(...string) alarm.Changes { return cmp.Or[alarm.Changes](m.Watch, blind{}) }
	return on.run(ctx, host, nil, &cfg, prog)
}

// Stacks returns the text of the dump of all stacks.
var Stacks = stacks

// LogOptions and Overlap are what the name of the host decides.
var (
	LogOptions = logOptions
	Overlap    = overlap
)

// Online reports whether the machine has a network.
var Online = online

// OwnDirs returns the directories of a process that manager started.
func (c *Config) OwnDirs(manager string) (Dirs, error) { return c.ownDirs(manager) }

// Denial returns the hint for a failure under systemd's hardening.
var Denial = denial

// RefuseRoot returns nil if root may run c by hand.
var RefuseRoot = refuseRoot

// MigrationFile returns the path of the record of the last migration.
var MigrationFile = Dirs.migrationFile
