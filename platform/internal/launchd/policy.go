package launchd

import (
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// startedBy is the variable by which a process learns that launchd started it by
// a property list of ours, and with which restart policy. XPC_SERVICE_NAME would
// not do: every child of every terminal inherits one.
const startedBy = "HOLDFAST_LAUNCHD"

// Policy is the restart policy that launchd follows for this process; empty if
// launchd did not start it.
type Policy platform.RestartPolicy

// FromEnvironment reads the policy and takes it out of the environment, so that
// no child takes itself for the service.
func FromEnvironment() Policy {
	return Policy(room.TakeEnv(startedBy))
}

// ExitCode is the code to leave with so that launchd does what code means.
// launchd knows one thing: whether it was 0. Under KeepAlive {SuccessfulExit =
// false}, launchd.plist(5), that is "leave me down", and everything else "bring
// me back". So the codes after which a restart would end the same way become 0,
// and with the policy "always" the end of a service that nobody booted out
// becomes a failure. After a bootout the code matters to nobody.
func (p Policy) ExitCode(code int) int {
	switch {
	case p != Policy(platform.RestartOnFailure) && p != Policy(platform.RestartAlways):
		return code
	case slices.Contains(platform.ExitsForGood(), code):
		return platform.ExitOK
	case code == platform.ExitOK && p == Policy(platform.RestartAlways):
		return platform.ExitFailed
	}
	return code
}
