package service

import (
	"fmt"
	"os"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// refuseRoot refuses that root runs by hand what another user is to run: what it
// writes would be root's, and the service itself could not use it afterwards. What
// a manager started as root its definition wants so.
func refuseRoot(c Config, starter string, root bool) error {
	if !root || starter != "" || c.AsRoot || c.Scope == platform.ScopeUser || slices.Contains([]string{"", "root", "0"}, c.User) {
		return nil
	}
	return fmt.Errorf("%w: the service is to run as user %q, and this is root: have its manager start it (`start`), run it as that user "+
		"(runuser -u %[2]s -- PROGRAM run --scope system, or sudo -u %[2]s ...), or as root all the same (run --as-root)", platform.ErrPermission, c.User)
}

func byRoot() bool { return os.Geteuid() == 0 }
