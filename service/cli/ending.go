package cli

import (
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// ending is how a run ended: its own words, where it has left any, and what its code
// or signal says.
func ending(e platform.Exit) string {
	words := e.Words()
	switch {
	case words == e.Reason, e.Signal == "" && e.Code <= 0:
		return e.Reason
	case e.Reason == "", mute(e.Reason):
		return words
	}
	return e.Reason + ", " + words
}

// mute reports whether a reason is a manager's, who knows no more than that there was
// a code or a signal.
func mute(reason string) bool {
	switch reason {
	case "exit-code", "exit code", "signal":
		return true
	}
	return strings.HasPrefix(reason, "signal: ")
}
