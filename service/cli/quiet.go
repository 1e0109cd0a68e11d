package cli

import (
	"io"

	"github.com/spf13/cobra"
)

// quietName is the flag that leaves out confirmations. Requested output, warnings, and errors
// with their explanations stay. In a mounted tree the flag has no letter, because the host may
// use it.
const quietName = "quiet"

func isQuiet(cmd *cobra.Command) bool {
	quiet, err := cmd.Flags().GetBool(quietName)
	return err == nil && quiet
}

// confirms returns the writer for messages that a command has done its work.
func confirms(cmd *cobra.Command) io.Writer {
	if isQuiet(cmd) {
		return io.Discard
	}
	return cmd.OutOrStdout()
}

// notes returns the writer for messages about what a command does, and for other remarks.
func notes(cmd *cobra.Command) io.Writer {
	if isQuiet(cmd) {
		return io.Discard
	}
	return cmd.ErrOrStderr()
}
