package service

import (
	"fmt"
	"os"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// refuseRoot returns an error if root runs by hand a service that has another user. The files
// it writes would belong to root, and the service could not use them afterwards. A manager
// that starts the service as root follows its definition, and is not refused.
func refuseRoot(c *Config, starter string, root bool) error {
	if !root || starter != "" || c.AsRoot || c.Scope == platform.ScopeUser || slices.Contains([]string{"", "root", "0"}, c.User) {
		return nil
	}
	return fmt.Errorf("%w: the service is to run as user %q, and this is root: let its manager start it (`start`), run it as that user "+
		"(runuser -u %[2]s -- PROGRAM run --scope system, or sudo -u %[2]s ...), or run it as root anyway (run --as-root)", platform.ErrPermission, c.User)
}

func byRoot() bool { return os.Geteuid() == 0 }
