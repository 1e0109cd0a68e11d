package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A Rostered is a [Cluster] whose engine also keeps what the machines show of themselves, and
// the plan of their upgrades.
type Rostered interface {
	Cluster
	// Roster returns what the engine keeps. settings are those of Elect. The caller closes it.
	Roster(ctx context.Context, settings any) (singleton.Roster, error)
}

// ErrNoRoster means that the program has no cluster, or one that does not know its machines.
var ErrNoRoster = errors.New("this program does not know other machines: it has no service.Config.Cluster, or one without a roster")

// Roster returns what c's cluster keeps of its machines, and the name of this machine in it. c
// must be loaded, and the caller closes the roster. Without a cluster, the error is
// [ErrNoRoster].
func (c Config) Roster(ctx context.Context) (r singleton.Roster, machine string, err error) {
	rostered, ok := c.Cluster.(Rostered)
	s := c.clusterSettings()
	if !ok || s == nil {
		return nil, "", ErrNoRoster
	}
	if r, err = rostered.Roster(ctx, c.extensions[clusterTable]); err != nil {
		return nil, "", fmt.Errorf("the cluster: %w", err)
	}
	return r, s.Machine, nil
}

// ClusterName returns what c's instances compete for, or "" without a cluster. c must be
// loaded.
func (c Config) ClusterName() string {
	if s := c.clusterSettings(); s != nil {
		return s.Name
	}
	return ""
}

// checkMachine refuses a name that an engine could take for several.
func checkMachine(name string) error {
	const most = 200
	if name == "" || len(name) > most || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f }) {
		return fmt.Errorf("%q: it has to be a name without spaces and slashes", name)
	}
	return nil
}

// post shows the state to the other machines from now on, if the elector can.
func (l *life) post() {
	if p, ok := l.elector.(singleton.Poster); ok {
		l.state.follow(func(s State) { p.Post(entryOf(s)) })
	}
}

// maxEntryText limits each text of the program's in what a machine shows.
const maxEntryText = 200

// entryOf returns what a machine shows of itself: its state file without what is of no use
// elsewhere or changes all the time.
func entryOf(s State) []byte {
	shown := State{
		Name: s.Name, Version: s.Version, Phase: s.Phase, PhaseSince: s.PhaseSince, StartedAt: s.StartedAt, ReadyAt: s.ReadyAt,
		Restarts: s.Restarts, LastExit: s.LastExit, Trial: s.Trial, Stop: s.Stop, Cluster: s.Cluster,
	}
	if shown.LastExit != nil {
		last := *s.LastExit
		last.Reason = shortText(last.Reason)
		shown.LastExit = &last
	}
	if shown.Stop != nil {
		shown.Stop = &StopProgress{Reason: shortText(s.Stop.Reason)}
	}
	if shown.Cluster != nil {
		part := *s.Cluster
		part.Text = ""
		shown.Cluster = &part
	}
	shown.Reloads = state.Reloads{Requested: s.Reloads.Requested, Completed: s.Reloads.Completed, Failed: s.Reloads.Failed, LastError: shortText(s.Reloads.LastError)}
	for _, h := range s.Health {
		h.Error = shortText(h.Error)
		shown.Health = append(shown.Health, h)
	}
	content, err := json.Marshal(shown)
	if err != nil {
		return nil
	}
	return content
}

func shortText(s string) string {
	if len(s) > maxEntryText {
		return strings.ToValidUTF8(s[:maxEntryText], "") + "..."
	}
	return s
}
