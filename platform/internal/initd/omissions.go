package initd

import (
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// LeftOut returns the settings that no script can express, and those of the dialect.
func (d Dialect) LeftOut() []platform.Omission {
	const cannot = "a script cannot restrict a service in this way"
	left := []platform.Omission{
		{Key: "display_name", Why: "a script has only one text for people, the description"},
		{Key: "start_timeout", Why: "the program's own commands enforce it"},
		{Key: "reload_timeout", Why: "the program's own commands enforce it"},
		{Key: "watchdog", Why: "the program's own health checks enforce it; a program that hangs completely is not noticed"},
		{Key: "hardening.read_write_paths", Why: "no path is protected from writes"},
		{Key: "hardening.capabilities", Why: "root keeps all capabilities; for another user they are refused"},
	}
	for _, key := range room.Switches() {
		if key != "hardening.no_new_privileges" {
			left = append(left, platform.Omission{Key: key, Why: cannot})
		}
	}
	return room.LeftOut("", append(left, d.Omissions...)...)
}
