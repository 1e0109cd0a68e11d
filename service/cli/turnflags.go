package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer/rollout"
)

// turnFlags has the flags of an upgrade in turns.
type turnFlags struct {
	on      bool
	rules   rollout.Rules
	timeout time.Duration
}

// The defaults of an upgrade in turns.
const (
	canarySettle = time.Minute
	turnPatience = 24 * time.Hour
)

const turnHelp = "\n\nWith --in-turn, the machines of a cluster upgrade one after the other: give the same command on each of them. " +
	"The first --canaries machines come first, and the others follow when these have served for --canary-settle; the leader is the last. " +
	"A version that is rolled back on one machine stops the rollout: no machine takes it any more, except with --force, and the machines on which this command still waits go back. " +
	"`fleet status --cluster` shows all machines, and `fleet release` says not to wait for one. " +
	"The command returns when the rollout is over, or after --turn-timeout. Interrupted before its turn, it changes nothing."

func addTurnFlags(cmd *cobra.Command, f *turnFlags) {
	cmd.Flags().BoolVar(&f.on, "in-turn", false, "wait for the turn of this machine among those of its cluster")
	cmd.Flags().DurationVar(&f.timeout, "turn-timeout", turnPatience, "with --in-turn, stop waiting for other machines after `DURATION`")
	cmd.Flags().IntVar(&f.rules.MaxUnavailable, "max-unavailable", 1, "with --in-turn, let `N` machines at most be in their turn, down or not ready")
	cmd.Flags().BoolVar(&f.rules.LeaderLast, "leader-last", true, "with --in-turn, let the machine that leads the cluster be the last")
	if cmd.Name() == "rollback" { // it uses the rules of the rollout
		_ = cmd.Flags().MarkHidden("max-unavailable")
		_ = cmd.Flags().MarkHidden("leader-last")
	}
	cmd.Flags().IntVar(&f.rules.Canaries, "canaries", 1, "with --in-turn, let `N` machines be the first, and the others wait until these have settled")
	cmd.Flags().DurationVar(&f.rules.CanarySettle, "canary-settle", canarySettle, "with --in-turn, let the others begin after the canaries were ready and healthy for `DURATION`")
	if cmd.Name() == "rollback" {
		_ = cmd.Flags().MarkHidden("canaries")
		_ = cmd.Flags().MarkHidden("canary-settle")
	}
}

// check refuses values that make no sense, and flags that have no effect.
func (f turnFlags) check(cmd *cobra.Command) error {
	for _, name := range []string{"turn-timeout", "max-unavailable", "leader-last", "canaries", "canary-settle"} {
		if cmd.Flags().Changed(name) && !f.on {
			return usage("--%s has an effect with --in-turn only", name)
		}
	}
	switch {
	case f.rules.Canaries < 1:
		return usage("--canaries takes 1 or more")
	case f.rules.MaxUnavailable < 1:
		return usage("--max-unavailable takes 1 or more")
	case f.rules.CanarySettle < 0, f.timeout < 0:
		return usage("--canary-settle and --turn-timeout take 0 or more")
	}
	return nil
}
