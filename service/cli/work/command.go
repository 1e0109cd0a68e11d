// Package work has the commands by which operators manage the work in a service's journal,
// whether the service runs or not. A program with a journal adds them to its command line
// ([cli.Commander]):
//
//	func (p *program) Commands(find cli.Find) []*cobra.Command {
//		return []*cobra.Command{work.Command(find)}
//	}
//
// A running service is asked through files in its state directory. So only its user and the
// administrator can use these commands.
package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// patience limits the time in which a running service must answer, unless --timeout does.
const patience = time.Minute

// Command returns the command `work` with list, show, rerun, abort and release.
func Command(find cli.Find) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "work",
		Short: "See to the work that is under way, was interrupted, or has ended",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		list(find),
		one(find, "show", "Show a piece of work whole", "Show a piece of work with its parameters and what it has saved."),
		one(find, "rerun", "Have work run again",
			"Have work run again: as soon as the service takes it, or after its next start. What was cut off goes on with its idempotency key and "+
				"what it has saved; what has ended is begun from its parameters."),
		one(find, "abort", "End work for good", "End work for good: it is not run again. What is under way is ended by the program."),
		one(find, "release", "Have work that was set aside run again",
			"Have work run again that was set aside because the service crashed again and again with it. Its crashes are forgotten."),
	)
	return cmd
}

func list(find cli.Find) *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the work, the newest last", Args: cobra.NoArgs,
		Long: "List the work, the newest last: all that something is still to come of, and of the rest the newest (-n).",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return cli.Usage(fmt.Errorf("-n %d: it counts entries", limit))
			}
			a, err := ask(cmd, find, journal.Request{Verb: "list", Limit: limit})
			if err != nil {
				return err
			}
			return shown(cmd, a, asJSON, table)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	cmd.Flags().IntVarP(&limit, "lines", "n", 200, "how many of those that have ended; 0: all")
	return cmd
}

func one(find cli.Find, verb, short, long string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Long: long, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return cli.Usage(fmt.Errorf("%q is no number of `work list`", args[0]))
			}
			a, err := ask(cmd, find, journal.Request{Verb: verb, ID: id})
			if err != nil {
				return err
			}
			if verb == "show" {
				return shown(cmd, a, asJSON, whole)
			}
			return shown(cmd, a, asJSON, done)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	return cmd
}

func ask(cmd *cobra.Command, find cli.Find, r journal.Request) (journal.Answer, error) {
	found, err := find(cmd)
	if err != nil {
		return journal.Answer{}, err
	}
	limit := patience
	if f := cmd.Flag("timeout"); f != nil && f.Changed {
		if d, err := time.ParseDuration(f.Value.String()); err == nil {
			limit = d
		}
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), limit)
	defer cancel()
	a, err := journal.Ask(ctx, found.StatePath(journal.Suffix), r)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.Verb == "list":
		return a, nil // no work was ever begun
	case errors.Is(err, journal.ErrDamaged):
		err = fmt.Errorf("%w: the next start sets it aside and begins a new one", err)
	}
	return a, err
}

func shown(cmd *cobra.Command, a journal.Answer, asJSON bool, text func(*cobra.Command, journal.Answer) error) error {
	if !asJSON {
		return text(cmd, a)
	}
	if a.Entries == nil {
		a.Entries = []journal.Entry{}
	}
	out := json.NewEncoder(cmd.OutOrStdout())
	out.SetIndent("", "  ")
	return out.Encode(a)
}
