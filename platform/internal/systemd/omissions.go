package systemd

import (
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// LeftOut returns the settings that a unit of that scope leaves out.
func LeftOut(scope platform.Scope) []platform.Omission {
	left := []platform.Omission{
		{Key: "display_name", Why: "a unit has only one text for people, the description"},
		{Key: "supervise", Why: "systemd restarts services itself"},
	}
	if scope == platform.ScopeUser {
		can := []string{
			"hardening.no_new_privileges", "hardening.restrict_network", "hardening.restrict_syscalls", "hardening.memory_deny_write_execute",
		}
		for _, key := range append(room.Switches(), "hardening.read_write_paths") {
			if !slices.Contains(can, key) {
				left = append(left, platform.Omission{Key: key, Why: "a user's systemd is not privileged"})
			}
		}
		left = append(left,
			platform.Omission{Key: "needs_network", Why: room.NetworkByItself},
			platform.Omission{Key: "state_dir", Why: "the program makes its directories itself"},
			platform.Omission{Key: "runtime_dir", Why: "the program makes its directories itself"})
	}
	return room.LeftOut("systemd", left...)
}
