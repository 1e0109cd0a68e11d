package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// quietName is the flag that leaves out what only confirms. What somebody asked to
// be shown, warnings, and errors with what explains them, stay. In a tree that is
// mounted it has no letter: that may be the host's.
const quietName = "quiet"

func isQuiet(cmd *cobra.Command) bool {
	quiet, err := cmd.Flags().GetBool(quietName)
	return err == nil && quiet
}

// confirms is where a command says that it has done what it was asked for.
func confirms(cmd *cobra.Command) io.Writer {
	if isQuiet(cmd) {
		return io.Discard
	}
	return cmd.OutOrStdout()
}

// notes is where a command says what it does, and what else somebody may want to know.
func notes(cmd *cobra.Command) io.Writer {
	if isQuiet(cmd) {
		return io.Discard
	}
	return cmd.ErrOrStderr()
}
