package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/service"
)

// runName is the command that managers start. Package hangup looks for it, too.
const runName = "run"

func (a *app) runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   runName + " [ARGUMENT...]",
		Short: "Run the service in the foreground",
		Long: "Run the service in the foreground. SIGTERM or ctrl-C stops it in order, a second one at once. " +
			"SIGHUP reloads the configuration. Only one instance runs: a second one ends with exit code 75.\n\n" +
			"If the configuration names another user, root is refused with exit code 77, because files that root writes " +
			"belong to root. Use `start`, or `runuser -u USER -- PROGRAM run --scope system`.",
		RunE: func(cmd *cobra.Command, args []string) error {
			scope, err := a.scopeFlag()
			if err != nil {
				return err
			}
			begun := a.beginTrial(cmd, cmp.Or(scope, a.Scope()))
			if len(args) > 0 {
				a.override(func(c *service.Config) { c.Args = args })
			}
			a.cfg.Scope = scope
			if _, err := a.defaultFile(cmd, cmp.Or(scope, a.Scope())); err != nil {
				return err
			}
			return a.live(cmd.Context(), begun)
		},
	}
	cmd.Flags().BoolVar(&a.cfg.AsRoot, "as-root", false, "run as root by hand, even if the configuration names another user")
	return cmd
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program, holdfast and Go",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.printVersion(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	return cmd
}

func (a *app) printVersion(cmd *cobra.Command, asJSON bool) error {
	v := versionsFor(a.cfg)
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s\nholdfast %s\n%s\n", v.Name, v.Version, v.Framework, v.Go)
	return err
}

// versions is the output of `version --json`. Fields are only ever added to it.
type versions struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Framework string `json:"holdfast"`
	Go        string `json:"go"`
	// Trial is the format of the trials that the program supports: see package
	// installer/trial.
	Trial int `json:"trial"`
}

func versionsFor(cfg service.Config) versions {
	const ours = "github.com/holdfast-dev/holdfast"
	v := versions{Name: cfg.Name, Version: cfg.Version, Trial: trial.Format}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Go = info.GoVersion
		v.Version = cmp.Or(v.Version, info.Main.Version)
		if info.Main.Path == ours {
			v.Framework = info.Main.Version
		}
		for _, m := range info.Deps {
			if m.Path == ours {
				v.Framework = m.Version
			}
		}
	}
	v.Version, v.Framework = cmp.Or(v.Version, "(devel)"), cmp.Or(v.Framework, "(devel)")
	return v
}
