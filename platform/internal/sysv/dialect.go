package sysv

import (
	_ "embed"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

//go:embed script.sh
var template string

// LeftOut returns the settings that a script leaves out.
func LeftOut() []platform.Omission { return dialect().LeftOut() }

func dialect() initd.Dialect {
	return initd.Dialect{
		Manager:  "sysv",
		Kind:     "init script",
		Template: template,
		Sign:     initd.Scripts,
		// The LSB's "Facility Names".
		Facilities: map[initd.Facility]string{
			initd.Network: "$network", initd.RemoteFS: "$remote_fs", initd.LocalFS: "$local_fs",
			initd.NameService: "$named", initd.Time: "$time", initd.Syslog: "$syslog",
		},
		Omissions: []platform.Omission{
			{Key: "stop_timeout", Why: "the program's own commands enforce it"},
			{Key: "socket", Why: "with supervise, the program's supervisor keeps them; without it, each start opens them, and connections are refused while it is down"},
			{Key: "restart", Why: "nothing restarts a service, unless supervise starts the program's own supervisor"},
		},
		NoWholeLimits: "an init script cannot limit a service as a whole",
		Action:        func(id platform.ID, verb string) []string { return []string{initd.Path(id), verb} },
		Disable:       func(id platform.ID) []string { return []string{"update-rc.d", "-f", id.String(), "remove"} },
		Beside:        func(id platform.ID) []string { return []string{"/etc/insserv/overrides/" + id.String()} },
		CheckID:       checkID,
	}
}

// checkID refuses a name that insserv takes for a leftover of an editor or a package manager.
// insserv ignores such a script with a warning.
func checkID(id platform.ID) error {
	suffix := strings.TrimPrefix(path.Ext(id.String()), ".")
	if slices.Contains([]string{"old", "new", "org", "orig", "save", "swp", "core"}, suffix) ||
		strings.HasPrefix(suffix, "ba") || strings.HasPrefix(suffix, "rpm") || strings.HasPrefix(suffix, "dpkg") {
		return initd.BadName(id, "insserv ignores scripts whose names end in ."+suffix)
	}
	return nil
}
