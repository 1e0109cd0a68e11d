package native

import (
	"os/exec"
	"runtime"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
)

// launchdDirs are the directories of a service that launchd keeps: this
// machine's where there is a launchctl, and a Mac's in a plan for one.
func launchdDirs(id platform.ID) (launchd.Dirs, error) {
	goos := runtime.GOOS
	if _, missing := exec.LookPath("launchctl"); missing != nil {
		goos = "darwin"
	}
	d := forRoot(goos, id.String())
	var err error
	if id.Scope == platform.ScopeUser {
		d, err = forUser(goos, id.String())
	}
	return launchd.Dirs{Runtime: d.Runtime, State: d.State, Logs: d.Logs}, err
}
