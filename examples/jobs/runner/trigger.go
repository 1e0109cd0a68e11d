package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// triggerCommand runs a job by hand.
func triggerCommand(find cli.Find) *cobra.Command {
	var params, key string
	var wait bool
	cmd := &cobra.Command{
		Use: "trigger NAME", Short: "Run a job now", Args: cobra.ExactArgs(1),
		Long: "Run a job now, and print the number of the run as soon as the run is durable: from then on no crash loses it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if params != "" && !json.Valid([]byte(params)) {
				return cli.Usage(fmt.Errorf("--params %s: it is not JSON", params))
			}
			c, err := reach(cmd, find)
			if err != nil {
				return err
			}
			header := http.Header{byHand: {"yes"}}
			if key != "" {
				header.Set("Idempotency-Key", key)
			}
			var got run
			if _, err := c.call(cmd.Context(), http.MethodPost, "/v1/jobs/"+url.PathEscape(args[0])+"/runs", header, []byte(params), &got); err != nil {
				return err
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), got.ID); err != nil || !wait {
				return err
			}
			return c.await(cmd.Context(), got.ID)
		},
	}
	cmd.Flags().StringVar(&params, "params", "", "parameters for the job, as `JSON`")
	cmd.Flags().StringVar(&key, "key", "", "idempotency `KEY`: a second trigger with the same key returns the same run")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the end of the run, and fail if it does not finish")
	return cmd
}

// reach returns a client of the primary on this machine.
func reach(cmd *cobra.Command, find cli.Find) (c client, err error) {
	found, err := find(cmd)
	if err != nil {
		return c, err
	}
	address, _, err := files.Read(found.StatePath(addressSuffix), files.MaxRecord)
	if err != nil {
		return c, fmt.Errorf("it does not run, or has another state directory (--state-dir): %w", err)
	}
	cfg, err := readConfig(found.Config.DecodeTable)
	if err != nil {
		return c, err
	}
	token, err := readToken(cfg.TokenFile)
	if err != nil {
		return c, err
	}
	return newClient(string(address), token, cfg.CAFile)
}

// await waits for the end of a run and of its reruns.
func (c client) await(ctx context.Context, id uint64) error {
	for {
		var got run
		switch _, err := c.call(ctx, http.MethodGet, fmt.Sprintf("/v1/runs/%d", id), nil, nil, &got); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errGone):
			return err
		case err != nil: // perhaps it is being restarted
		case got.State == journal.Rerun:
			id = got.RerunAs
			continue
		case got.State == journal.Finished:
			return nil
		case got.State != journal.Queued && got.State != journal.Begun:
			return fmt.Errorf("run %d: %s: %s", id, got.State, got.Reason)
		}
		pause(ctx, 200*time.Millisecond)
	}
}
