package launchd

import (
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// startedBy is the variable by which a process learns that launchd started it by
// a property list of ours, and with which restart policy. XPC_SERVICE_NAME would
// not do: every child of every terminal inherits one.
const startedBy = "HOLDFAST_LAUNCHD"

// Policy is the rule of the restart policy that launchd follows for this process, as
// platform.Restart has it; empty if launchd did not start it.
type Policy string

// FromEnvironment reads the policy and takes it out of the environment, so that
// no child takes itself for the service.
func FromEnvironment() Policy {
	return Policy(room.TakeEnv(startedBy))
}

// Started reports whether FromEnvironment will find a policy.
func Started() bool { return os.Getenv(startedBy) != "" }

// ExitCode is the code to leave with so that launchd does what code means.
// launchd knows one thing: whether it was 0. Under KeepAlive {SuccessfulExit =
// false}, launchd.plist(5), that is "leave me down", and everything else "bring
// me back"; under {SuccessfulExit = true} it is the other way round. So a code after
// which a restart would end the same way becomes that for which launchd leaves the
// service down, and the end of a service with the policy "always" that nobody booted
// out a failure. After a bootout the code matters to nobody.
func (p Policy) ExitCode(code int) int {
	r, err := platform.ParseRule(string(p))
	if err != nil || r.Policy == platform.RestartNever {
		return code
	}
	follows := r.Follows(code)
	switch {
	case follows == (r.Policy == platform.RestartOnSuccess):
		return platform.ExitOK
	case code == platform.ExitOK:
		return platform.ExitFailed
	}
	return code
}
