package scm

import (
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// LeftOut returns the settings that a registration leaves out.
func LeftOut() []platform.Omission {
	left := []platform.Omission{
		{Key: "start_timeout", Why: "the service itself reports it to the SCM"},
		{Key: "watchdog", Why: "the program's own health checks enforce it"},
		{Key: "needs_network", Why: room.NetworkByItself},
		{Key: "socket", Why: "Windows keeps no socket that a service opens: each start opens them, and connections are refused while it is down"},
		{Key: "supervise", Why: "the SCM restarts services itself"},
		{Key: "hardening.read_write_paths", Why: "no path is protected from writes"},
	}
	for _, key := range room.Switches() {
		left = append(left, platform.Omission{Key: key, Why: "Windows has no counterpart"})
	}
	return room.LeftOut("windows", left...)
}
