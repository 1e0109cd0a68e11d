package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// completionCommand exists wherever the tree is mounted, because cobra's own command belongs
// to the host. Its output completes the whole program.
func completionCommand() *cobra.Command {
	var bare bool
	shells := map[string]func(*cobra.Command) error{
		"bash":       func(cmd *cobra.Command) error { return cmd.Root().GenBashCompletionV2(cmd.OutOrStdout(), !bare) },
		"fish":       func(cmd *cobra.Command) error { return cmd.Root().GenFishCompletion(cmd.OutOrStdout(), !bare) },
		"zsh":        func(cmd *cobra.Command) error { return zsh(cmd, bare) },
		"powershell": func(cmd *cobra.Command) error { return powershell(cmd, bare) },
	}
	cmd := &cobra.Command{
		Use:   "completion bash|fish|powershell|zsh",
		Short: "Print a shell completion script",
		Long: "Print a script that completes the commands of this program in a shell. For bash, in this session:\n\n" +
			"\tsource <(PROGRAM completion bash)\n\n" +
			"and for all sessions, write it to /etc/bash_completion.d/PROGRAM.",
		Args:                  knownShell,
		ValidArgs:             []string{"bash", "fish", "powershell", "zsh"},
		DisableFlagsInUseLine: true,
		RunE:                  func(cmd *cobra.Command, args []string) error { return shells[args[0]](cmd) },
	}
	cmd.Flags().BoolVar(&bare, "no-descriptions", false, "complete without descriptions")
	return cmd
}

func knownShell(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && slices.Contains(cmd.ValidArgs, args[0]) {
		return nil
	}
	return fmt.Errorf("%q is not one of %s", strings.Join(args, " "), strings.Join(cmd.ValidArgs, ", "))
}

func zsh(cmd *cobra.Command, bare bool) error {
	if bare {
		return cmd.Root().GenZshCompletionNoDesc(cmd.OutOrStdout())
	}
	return cmd.Root().GenZshCompletion(cmd.OutOrStdout())
}

func powershell(cmd *cobra.Command, bare bool) error {
	if bare {
		return cmd.Root().GenPowerShellCompletion(cmd.OutOrStdout())
	}
	return cmd.Root().GenPowerShellCompletionWithDesc(cmd.OutOrStdout())
}
