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
		Use:     "work",
		Short:   "Manage the work that is in progress, was interrupted, or has ended",
		Example: "  PROGRAM work list\n  PROGRAM work rerun 7",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		list(find),
		one(find, "show", "Show a piece of work in full", "Show a piece of work with its parameters and its saved state."),
		one(find, "rerun", "Run work again",
			"Run work again: as soon as the service takes it, or after its next start. Interrupted work continues with its idempotency key and "+
				"its saved state; ended work begins anew from its parameters."),
		one(find, "abort", "End work permanently", "End work permanently: it is not run again. The program ends work in progress."),
		one(find, "release", "Run work again that was set aside",
			"Run work again that was set aside because the service crashed repeatedly during it. Its crash count is reset."),
	)
	return cmd
}

func list(find cli.Find) *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the work, the newest last", Args: cobra.NoArgs, Example: "  PROGRAM work list\n  PROGRAM work list --json -n 5",
		Long: "List the work, the newest last: all work that has not ended, and the newest of the ended (-n).",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return cli.Usage(fmt.Errorf("-n %d: the number of entries cannot be negative", limit))
			}
			a, err := ask(cmd, find, journal.Request{Verb: "list", Limit: limit})
			if err != nil {
				return err
			}
			return shown(cmd, a, asJSON, table)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	cmd.Flags().IntVarP(&limit, "lines", "n", 200, "number of ended entries; 0: all")
	return cmd
}

func one(find cli.Find, verb, short, long string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Long: long, Args: cobra.ExactArgs(1), Example: "  PROGRAM work " + verb + " 7",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return cli.Usage(fmt.Errorf("%q is not a number from `work list`", args[0]))
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
