package platform

import "time"

// Exit codes of every program made with holdfast. 70 to 78 are those of
// sysexits.h. Managers are told not to restart after the last three.
const (
	ExitOK             = 0
	ExitFailed         = 1
	ExitUsage          = 2
	ExitCrashed        = 70 // the program panicked
	ExitAlreadyRunning = 75
	ExitNotPermitted   = 77
	ExitBadConfig      = 78
	// ExitNotInOrder is that of `stop` alone: nobody is left, but it was forced, or a
	// step of its stop failed.
	ExitNotInOrder = 79
)

// ExitsForGood are the codes after which a restart would end the same way.
func ExitsForGood() []int {
	return []int{ExitAlreadyRunning, ExitNotPermitted, ExitBadConfig}
}

// StopMargin is how much later than the service's own forced exit a manager
// kills it: time to write all stacks to the log and to exit.
const StopMargin = 10 * time.Second
