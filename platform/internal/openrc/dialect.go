package openrc

import (
	_ "embed"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// What is started and stopped is in daemon.sh or own.sh: the place for it is @RUN@.
//
//go:embed script.sh
var template string

//go:embed daemon.sh
var daemon string

//go:embed own.sh
var ownSupervisor string

const runlevels = "/etc/runlevels"

// LeftOut returns the settings that a script leaves out.
func LeftOut() []platform.Omission { return dialect().LeftOut() }

func dialect() initd.Dialect {
	return initd.Dialect{
		Manager:  "openrc",
		Kind:     "openrc script",
		Template: template,
		Sign:     runlevels,
		// Names that other scripts provide.
		Facilities: map[initd.Facility]string{
			initd.Network: "net", initd.RemoteFS: "netmount", initd.LocalFS: "localmount",
			initd.NameService: "dns", initd.Time: "ntp-client", initd.Syslog: "logger",
		},
		Omissions: []platform.Omission{
			{Key: "socket", Why: "with supervise, the program's supervisor keeps them; without it, each start opens them, and connections are refused while it is down"},
		},
		// OpenRC can limit control groups, but only if the administrator has enabled them.
		NoWholeLimits: "a service as a whole is limited by rc_cgroup_settings in /etc/conf.d",
		Action:        service,
		Disable:       func(id platform.ID) []string { return []string{"rc-update", "-a", "del", id.String()} },
		Beside:        func(id platform.ID) []string { return []string{"/etc/conf.d/" + id.String()} },
		CheckID:       checkID,
		CheckArgument: checkArgument,
		CheckVariable: checkVariable,
	}
}

func checkID(id platform.ID) error {
	if path.Ext(id.String()) == ".sh" {
		return initd.BadName(id, "OpenRC ignores scripts whose names end in .sh")
	}
	return nil
}

// checkArgument refuses what OpenRC's files with one argument per line cannot contain.
func checkArgument(arg string) error {
	if strings.ContainsAny(arg, "\n\r") {
		return errors.New("has a line break")
	}
	return nil
}

// checkVariable refuses variables that OpenRC removes from the environment or uses itself.
func checkVariable(name string) error {
	for _, prefix := range []string{"RC_", "SSD_", "EINFO_"} {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("variables that begin with %s are OpenRC's own", prefix)
		}
	}
	return nil
}
