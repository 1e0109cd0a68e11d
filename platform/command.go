package platform

import (
	"fmt"
	"strings"
)

// A CommandError says how a command of the system failed. Programs should decide by Code;
// Stderr is for people.
type CommandError struct {
	Argv   []string
	Code   int // -1 if a signal killed it, or if it never ran
	Stderr string
	Err    error // from os/exec
}

func (e *CommandError) Error() string {
	msg := strings.Join(e.Argv, " ")
	if e.Code >= 0 {
		msg = fmt.Sprintf("%s: exit code %d", msg, e.Code)
	} else {
		msg = fmt.Sprintf("%s: %v", msg, e.Err)
	}
	if s := strings.TrimSpace(e.Stderr); s != "" {
		msg += ": " + s
	}
	return msg
}

// Unwrap returns the error of os/exec.
func (e *CommandError) Unwrap() error { return e.Err }
