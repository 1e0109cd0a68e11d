package platform

import (
	"fmt"
	"strings"
)

// FailedError is a start that has failed, as the service's manager tells it.
type FailedError struct {
	How string // in words: "exit code 78: its configuration cannot be used"
	// Reason is the program's own last error; empty: it has left none, or nobody asked.
	Reason string
	Code   int      // what a command that wanted the start ends with; 0: [ExitFailed]
	Log    []string // the command that shows more; nil: there is none
}

func (e *FailedError) Error() string {
	text := "the service failed"
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	text += " (" + e.How + ")"
	if len(e.Log) > 0 {
		text += "; see: " + strings.Join(e.Log, " ")
	}
	return text
}

// ExitMeaning says in words what the exit code of a program made with holdfast
// means; it is empty for one that says no more than that it failed.
func ExitMeaning(code int) string {
	switch code {
	case ExitUsage:
		return "its command line is wrong, or it panicked before main"
	case ExitCrashed:
		return "it panicked"
	case ExitAlreadyRunning:
		return "it runs already"
	case ExitNotPermitted:
		return "it lacks a permission that it needs"
	case ExitBadConfig:
		return "its configuration cannot be used"
	}
	return ""
}

// ExitClass is code where that says what kind of failure it was, so that a command
// about the service may end with it, and [ExitFailed] otherwise.
func ExitClass(code int) int {
	if ExitMeaning(code) == "" || code == ExitUsage { // the command line was not that of who reads it
		return ExitFailed
	}
	return code
}

// Words is how it ended, in words: what its manager says the code means, or what
// it means by the agreement above.
func (e Exit) Words() string {
	switch {
	case e.Signal != "":
		return "killed by " + e.Signal
	case e.Code < 0:
		return e.Reason
	}
	text := fmt.Sprintf("exit code %d", e.Code)
	if e.Means != "" {
		return text + ": " + e.Means
	}
	if m := ExitMeaning(e.Code); m != "" {
		return text + ": " + m
	}
	return text
}
