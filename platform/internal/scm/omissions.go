package scm

import (
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// LeftOut returns the settings that a registration leaves out.
func LeftOut() []platform.Omission {
	left := []platform.Omission{
		{Key: "start_timeout", Why: "the service tells the SCM itself"},
		{Key: "watchdog", Why: "the program's own health checks mind it"},
		{Key: "needs_network", Why: room.NetworkByItself},
		{Key: "socket", Why: "Windows keeps no socket that a service has opened: each start opens them, and while it is down connections are refused"},
		{Key: "supervise", Why: "the SCM restarts services itself"},
		{Key: "hardening.read_write_paths", Why: "nothing is protected from being written to"},
	}
	for _, key := range room.Switches() {
		left = append(left, platform.Omission{Key: key, Why: "Windows has no counterpart"})
	}
	return room.LeftOut("windows", left...)
}
