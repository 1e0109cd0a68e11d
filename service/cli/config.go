package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the configuration",
		Args:  a.knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "print",
		Short: "Print a sample configuration file",
		Long: "Print a sample configuration file: every key with its meaning and default, commented out. " +
			"Remove the \"#\" before a key to change it. `config show` shows the values in force.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return service.WriteSample(cmd.OutOrStdout(), a.cfg, a.prog)
		},
	})
	cmd.AddCommand(a.configShowCommand())
	return cmd
}

func (a *app) configShowCommand() *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the configuration in force and where each value comes from",
		Long: "Show the configuration in force for the commands here and the next start: KEY = VALUE, and behind it where that comes from: " +
			"FILE:LINE, the command line or the record of its installation, the program's own code, or the default. Without --all, what is the default is left out. " +
			"Values of [service] env are never shown; those that the file gives to the program's own tables only where the program says that they are no secret.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.target(cmd)
			if err != nil {
				return err
			}
			settings, err := t.cfg.InForce(a.prog)
			if err != nil {
				return err
			}
			if !all {
				settings = slices.DeleteFunc(settings, func(s service.Setting) bool { return s.From == "default" })
			}
			if !asJSON {
				fmt.Fprintf(cmd.OutOrStdout(), "# configuration: %s\n", t.configuration())
				for _, s := range settings {
					fmt.Fprintln(cmd.OutOrStdout(), logsink.Printable(s.String()))
				}
				return nil
			}
			return writeJSON(cmd.OutOrStdout(), struct {
				File     string            `json:"file,omitempty"`
				Settings []service.Setting `json:"settings"`
			}{t.cfg.File, append([]service.Setting{}, settings...)})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	cmd.Flags().BoolVar(&all, "all", false, "also show default values")
	return cmd
}
