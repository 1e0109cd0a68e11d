package platform

import "time"

// The exit codes of every program made with holdfast. Codes 70 to 78 come from sysexits.h.
// Managers are told not to restart the service after [ExitsForGood].
const (
	ExitOK             = 0
	ExitFailed         = 1
	ExitUsage          = 2
	ExitCrashed        = 70 // the program panicked
	ExitAlreadyRunning = 75
	ExitNotPermitted   = 77
	ExitBadConfig      = 78
	// ExitNotInOrder is used by `stop` alone: nothing runs any more, but the stop was forced
	// or one of its steps failed.
	ExitNotInOrder = 79
)

// ExitsForGood returns the exit codes after which a restart would fail in the same way.
func ExitsForGood() []int {
	return []int{ExitAlreadyRunning, ExitNotPermitted, ExitBadConfig}
}

// StopMargin is the time between the service's own forced exit and the manager's kill. The
// service needs it to write all stacks to the log and to exit.
const StopMargin = 10 * time.Second
