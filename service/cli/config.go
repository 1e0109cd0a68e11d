package cli

import (
	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show what can be configured",
		Args:  a.knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "print",
		Short: "Print a configuration file to begin with",
		Long: "Print a configuration file to begin with: every key, with its meaning and its default, commented out. " +
			"Take the \"#\" away from what is to be another value. It is not what a running service has: that is `status`' file.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return service.WriteSample(cmd.OutOrStdout(), a.cfg, a.prog)
		},
	})
	return cmd
}
