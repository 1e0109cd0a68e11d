package cli

import (
	"github.com/spf13/cobra"
)

// completionCommand is there wherever the tree is mounted; cobra's own belongs to the
// host. What it prints completes the whole program.
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
		Short: "Print the script that has a shell complete the commands of this program",
		Long: "Print the script that has a shell complete the commands of this program. For bash, in this session:\n\n" +
			"\tsource <(PROGRAM completion bash)\n\n" +
			"and for all sessions, write it to /etc/bash_completion.d/PROGRAM.",
		Args:                  cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs:             []string{"bash", "fish", "powershell", "zsh"},
		DisableFlagsInUseLine: true,
		RunE:                  func(cmd *cobra.Command, args []string) error { return shells[args[0]](cmd) },
	}
	cmd.Flags().BoolVar(&bare, "no-descriptions", false, "complete without descriptions")
	return cmd
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
