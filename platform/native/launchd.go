package native

import (
	"os/exec"
	"runtime"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/launchd"
)

// launchdDirs returns the directories of a service of launchd: those of this machine if it has
// a launchctl, or else those of a Mac.
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
