package platform

import (
	"fmt"
	"strings"
)

// A FailedError is a failed start, as reported by the service's manager.
type FailedError struct {
	How string // in words: "exit code 78: its configuration cannot be used"
	// Reason is the program's own last error. It is empty if the program has left none, or if
	// nobody looked for it.
	Reason string
	Code   int      // exit code for the command that requested the start; 0: [ExitFailed]
	Log    []string // command that shows more; nil: there is none
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

// exitMeaning describes an exit code of a program made with holdfast. It returns "" for codes
// that say only that the program failed.
func exitMeaning(code int) string {
	switch code {
	case ExitUsage:
		return "its command line is wrong, or it panicked before main"
	case ExitCrashed:
		return "it panicked"
	case ExitAlreadyRunning:
		return "it is already running"
	case ExitNotPermitted:
		return "it lacks a permission that it needs"
	case ExitBadConfig:
		return "its configuration cannot be used"
	}
	return ""
}

// ExitClass returns the exit code for a command whose service ended with code. It is code
// itself if that names a kind of failure, and [ExitFailed] otherwise.
func ExitClass(code int) int {
	if exitMeaning(code) == "" || code == ExitUsage { // the reader's own command line was not wrong
		return ExitFailed
	}
	return code
}

// Words describes for people how the process ended: by the manager's explanation of the exit
// code, or else by its meaning for holdfast.
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
	if m := exitMeaning(e.Code); m != "" {
		return text + ": " + m
	}
	return text
}
