package cli

import (
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// ending describes how a run ended: its own words, if it left any, and its exit code or
// signal.
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

// mute reports whether a reason comes from a manager that knows only the code or signal.
func mute(reason string) bool {
	switch reason {
	case "exit-code", "exit code", "signal":
		return true
	}
	return strings.HasPrefix(reason, "signal: ")
}
