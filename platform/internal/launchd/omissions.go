package launchd

import (
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// LeftOut returns the settings that a property list of that scope leaves out.
func LeftOut(scope platform.Scope) []platform.Omission {
	left := []platform.Omission{
		{Key: "display_name", Why: "launchd has no such text"},
		{Key: "description", Why: "launchd has no such text"},
		{Key: "reload_timeout", Why: "the program's own command enforces it"},
		{Key: "watchdog", Why: "the program's own health checks enforce it"},
		{Key: "needs_network", Why: room.NetworkByItself},
		{Key: "socket", Why: "launchd keeps no socket that a service opens: each start opens them, and connections are refused while it is down"},
		{Key: "supervise", Why: "launchd restarts services itself"},
		{Key: "hardening.read_write_paths", Why: "no path is protected from writes"},
	}
	for _, key := range room.Switches() {
		left = append(left, platform.Omission{Key: key, Why: "launchd cannot take anything from a service"})
	}
	if scope == platform.ScopeUser {
		left = append(left, platform.Omission{Key: "state_dir", Why: "the program makes its directories itself"})
	}
	return room.LeftOut("launchd", left...)
}
