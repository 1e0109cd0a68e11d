package initd

import (
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// LeftOut returns the settings that no script can express, and those of the dialect.
func (d Dialect) LeftOut() []platform.Omission {
	const cannot = "a script cannot take that from a service"
	left := []platform.Omission{
		{Key: "display_name", Why: "a script has one text for people, the description"},
		{Key: "start_timeout", Why: "the program's own commands mind it"},
		{Key: "reload_timeout", Why: "the program's own commands mind it"},
		{Key: "watchdog", Why: "the program's own health checks mind it; one that hangs as a whole is not noticed"},
		{Key: "hardening.read_write_paths", Why: "nothing is protected from being written to"},
		{Key: "hardening.capabilities", Why: "root keeps all; for another user they are refused"},
	}
	for _, key := range room.Switches() {
		if key != "hardening.no_new_privileges" {
			left = append(left, platform.Omission{Key: key, Why: cannot})
		}
	}
	return room.LeftOut("", append(left, d.Omissions...)...)
}
