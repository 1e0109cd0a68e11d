package launchd

import (
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// startedBy is the environment variable that tells a process that launchd started it from a
// property list of ours, and with which restart policy. XPC_SERVICE_NAME does not serve for
// this, because every child of a terminal inherits one.
const startedBy = "HOLDFAST_LAUNCHD"

// A Policy is the rule of the restart policy that launchd follows for this process, as in
// platform.Restart. It is empty if launchd did not start the process.
type Policy string

// FromEnvironment reads the policy and removes it from the environment, so that no child
// process takes itself for the service.
func FromEnvironment() Policy {
	return Policy(room.TakeEnv(startedBy))
}

// Started reports whether FromEnvironment will find a policy.
func Started() bool { return os.Getenv(startedBy) != "" }

// ExitCode returns the exit code that makes launchd do what code means. launchd distinguishes
// only 0 and other codes: see launchd.plist(5). Under KeepAlive {SuccessfulExit = false}, 0
// means "do not restart" and any other code "restart". Under {SuccessfulExit = true} it is the
// reverse. So ExitCode turns a code after which a restart would fail in the same way into one
// that keeps the service down. It turns the end of a service with the policy "always" that
// nobody has booted out into a failure. After a bootout launchd ignores the code.
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
