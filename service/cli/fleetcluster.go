package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer/rollout"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/singleton"
)

// rosterFor limits the questions to the engine of a cluster.
const rosterFor = 20 * time.Second

// A clusterFleet is one service on all machines of its cluster. Fields are only ever added to
// its JSON form.
type clusterFleet struct {
	Cluster  string           `json:"cluster"`
	Machines []clusterMachine `json:"machines"` // sorted by name
	Rollout  *rollout.Rollout `json:"rollout"`  // the current upgrade in turns, or the last one
	Pinned   []rollout.Pin    `json:"pinned"`   // the versions that no machine takes
}

// A clusterMachine is one machine, as it shows itself. What a machine shows that is down is
// what it showed last.
type clusterMachine struct {
	Machine    string           `json:"machine"`
	Live       bool             `json:"live"`
	Phase      platform.Phase   `json:"phase"`
	PhaseSince time.Time        `json:"phase_since,omitzero"`
	Ready      bool             `json:"ready"`
	Role       string           `json:"role,omitempty"`
	Term       uint64           `json:"term,omitempty"`
	Version    string           `json:"version,omitempty"`
	Trial      string           `json:"trial,omitempty"`
	Restarts   int              `json:"restarts"`
	LastExit   *platform.Exit   `json:"last_exit"`
	Turn       *rollout.Turn    `json:"turn"`  // in the rollout; null: it has had none
	Waits      bool             `json:"waits"` // an upgrade in turns waits on it
	Findings   []doctor.Finding `json:"findings"`
}

// clusterStatus shows the machines of the cluster.
func (a *app) clusterStatus(cmd *cobra.Command, watch, asJSON bool) error {
	t, roster, err := a.roster(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = roster.Close() }()
	var f clusterFleet
	look := func() error {
		ctx, cancel := context.WithTimeoutCause(cmd.Context(), rosterFor, platform.ErrTimeout)
		defer cancel()
		board, err := roster.Look(ctx)
		if err == nil {
			f, err = a.clusterFleet(t, board)
		}
		if err != nil {
			return fmt.Errorf("the machines of %q: %w", t.cfg.ClusterName(), err)
		}
		return nil
	}
	return watched(cmd, watch, asJSON, look, func(w io.Writer) error {
		if asJSON {
			return writeJSON(w, f)
		}
		return f.print(w)
	})
}

// roster connects to the cluster of the service.
func (a *app) roster(cmd *cobra.Command) (*target, singleton.Roster, error) {
	t, err := a.target(cmd)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), rosterFor, platform.ErrTimeout)
	defer cancel()
	roster, _, err := t.cfg.Roster(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %q: %w", cmd.CommandPath(), t.id, err)
	}
	return t, roster, nil
}

func (a *app) clusterFleet(t *target, board singleton.Board) (clusterFleet, error) {
	plan, err := rollout.ParsePlan(board.Plan)
	if err != nil {
		return clusterFleet{}, err
	}
	f := clusterFleet{Cluster: t.cfg.ClusterName(), Machines: []clusterMachine{}, Rollout: plan.Rollout, Pinned: plan.Pinned}
	for _, m := range board.Machines {
		one := a.clusterMachine(t, m)
		if plan.Rollout != nil {
			one.Turn = plan.Rollout.Turn(m.Name)
			one.Waits = m.Attended == plan.Rollout.SHA256
		}
		f.Machines = append(f.Machines, one)
	}
	return f, nil
}

// phaseDown is the phase of a machine that nobody hears from.
const phaseDown platform.Phase = "down"

func (a *app) clusterMachine(t *target, m singleton.Machine) clusterMachine {
	one := clusterMachine{Machine: m.Name, Live: m.Live, Phase: platform.PhaseUnknown, Findings: []doctor.Finding{}}
	var s state.State
	if m.Entry != nil {
		var err error
		if s, err = state.Parse(m.Entry); err != nil {
			one.Findings = append(one.Findings, doctor.Finding{ID: "machine-unreadable", Severity: doctor.Warning, Cause: "what it shows cannot be read: " + err.Error()})
			return one
		}
		one.Version, one.Trial, one.Restarts, one.LastExit = s.Version, s.Trial, s.Restarts, s.LastExit
	}
	if !m.Live {
		one.Phase = phaseDown
		one.Findings = append(one.Findings, doctor.Finding{
			ID: "machine-down", Severity: doctor.Warning, Cause: "the cluster does not hear from it", Fix: a.command(t, "fleet forget "+quoted(m.Name)),
		})
		return one
	}
	one.Phase, one.PhaseSince, one.Ready = s.Phase, s.PhaseSince, s.Ready()
	if s.Cluster != nil {
		one.Role, one.Term = s.Cluster.Role, s.Cluster.Term
	}
	l := &life{member: &member{id: t.id}, sources: state.Sources{Now: a.Now(), Window: usualWindow()}}
	one.Findings = append(one.Findings, l.findings(fleetService{Name: t.id.Name, Instance: t.id.Instance, Installed: true, Program: t.manifest.Program}, state.Truth{
		Process: s.Process, Running: true, Known: true, Phase: s.Phase, Since: s.PhaseSince, File: &s, Restarts: s.Restarts, LastExit: s.LastExit,
	})...)
	return one
}

func (f clusterFleet) print(w io.Writer) error {
	var table, b strings.Builder
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MACHINE\tPHASE\tROLE\tSINCE\tVERSION\tTURN\tFINDINGS")
	for _, m := range f.Machines {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(m.Machine), oneLine(string(m.Phase)), cmp.Or(oneLine(m.Role), "-"), sinceText(m.PhaseSince),
			cmp.Or(oneLine(m.Version), "-"), m.turnText(), findingsText(m.Findings))
	}
	_ = t.Flush() // writes to memory
	b.WriteString(coloured(table.String(), func(i int) []doctor.Finding { return f.Machines[i].Findings }))
	if len(f.Machines) == 0 {
		b.Reset()
		fmt.Fprintf(&b, "no machine has ever been seen in the cluster %q\n", f.Cluster)
	}
	if r := f.Rollout; r != nil {
		fmt.Fprintf(&b, "%s\n", oneLine(rolloutText(r)))
	}
	for _, p := range f.Pinned {
		fmt.Fprintf(&b, "pinned: %s\n", oneLine(p.String()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (m clusterMachine) turnText() string {
	switch {
	case m.Turn != nil:
		return oneLine(string(m.Turn.State))
	case m.Waits:
		return "waits"
	}
	return "-"
}

func rolloutText(r *rollout.Rollout) string {
	text := fmt.Sprintf("rollout of %s, by %s, since %s", r.Named(), r.By, r.Since.Local().Format(time.DateTime))
	switch {
	case r.Stopped:
		return text + ", stopped: " + r.Why
	case !r.Open:
		return text + ": the canaries have not settled yet"
	}
	return text
}

func (a *app) fleetReleaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "release MACHINE",
		Short: "Let a rollout go on without a machine",
		Long: "Let an upgrade in turns go on without MACHINE, which is down, not ready, or has died in its turn. Its turn is over, and it no longer counts as unavailable. " +
			"See first that no upgrade runs there: it would not be stopped.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, roster, err := a.roster(cmd)
			if err != nil {
				return err
			}
			defer func() { _ = roster.Close() }()
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), rosterFor, platform.ErrTimeout)
			defer cancel()
			p := &rollout.Party{Options: rollout.Options{Roster: roster, By: whoAsks(), Member: memberOf, Waits: func(text string) { fmt.Fprintf(notes(cmd), "- waits: %s\n", oneLine(text)) }}}
			released, err := p.Release(ctx, args[0])
			switch {
			case err != nil:
				return fmt.Errorf("release %q: %w", args[0], err)
			case !released:
				return fmt.Errorf("release %q: no rollout of %q waits for it", args[0], t.cfg.ClusterName())
			}
			fmt.Fprintf(confirms(cmd), "the rollout of %s goes on without %s.\n", t.cfg.ClusterName(), oneLine(args[0]))
			return nil
		},
	}
}

func (a *app) fleetForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget MACHINE",
		Short: "Remove a machine that is down from the cluster's list",
		Long:  "Remove MACHINE, which is down, from the list of `fleet status --cluster`. It comes back when its service runs again.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, roster, err := a.roster(cmd)
			if err != nil {
				return err
			}
			defer func() { _ = roster.Close() }()
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), rosterFor, platform.ErrTimeout)
			defer cancel()
			if err := roster.Forget(ctx, args[0]); err != nil {
				return fmt.Errorf("forget %q: %w", args[0], err)
			}
			fmt.Fprintf(confirms(cmd), "%s does not know %s any more.\n", t.cfg.ClusterName(), oneLine(args[0]))
			return nil
		},
	}
}
