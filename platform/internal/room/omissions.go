package room

import "github.com/holdfast-dev/holdfast/platform"

// backoffByItself is why a definition says nothing of [platform.Restart.Backoff] and what
// belongs to it. systemd 254 and later have RestartSteps=, whose delays stay long until somebody
// starts the service by hand (systemd issue 43813): one that has been well for months and
// then dies would be down for the longest of them.
const backoffByItself = "the service waits itself, before its start, for what the manager has not waited"

// LeftOut are a manager's omissions with those that every manager has, whose own
// table is called table.
func LeftOut(table string, own ...platform.Omission) []platform.Omission {
	for _, other := range []string{"systemd", "launchd", "windows"} {
		if other != table {
			own = append(own, platform.Omission{Key: other, Why: "is for that manager alone"})
		}
	}
	for _, key := range []string{"restart.backoff", "restart.max_delay", "restart.jitter", "restart.reset_after"} {
		own = append(own, platform.Omission{Key: key, Why: backoffByItself})
	}
	return append(own, platform.Omission{Key: "version", Why: "is told by the program itself"})
}

// Switches are the keys of what [platform.Hardening] takes from a service.
func Switches() []string {
	return []string{
		"hardening.no_new_privileges", "hardening.protect_system", "hardening.protect_home", "hardening.private_tmp",
		"hardening.private_devices", "hardening.protect_kernel", "hardening.protect_proc", "hardening.restrict_network",
		"hardening.restrict_syscalls", "hardening.memory_deny_write_execute",
	}
}
