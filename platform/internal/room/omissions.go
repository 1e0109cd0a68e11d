package room

import "github.com/holdfast-dev/holdfast/platform"

// backoffByItself says why a definition does not contain [platform.Restart.Backoff] and its
// related settings. systemd 254 and later have RestartSteps=, but its delays stay long until
// somebody starts the service by hand (systemd issue 43813). A service that dies after months
// of health would then stay down for the longest delay.
const backoffByItself = "the service itself waits before its start, if the manager does not"

// LeftOut returns a manager's own omissions and those that all managers have. table is the
// manager's table in the configuration.
func LeftOut(table string, own ...platform.Omission) []platform.Omission {
	for _, other := range []string{"systemd", "launchd", "windows", "container"} {
		if other != table {
			own = append(own, platform.Omission{Key: other, Why: "is for that manager alone"})
		}
	}
	for _, key := range []string{"restart.backoff", "restart.max_delay", "restart.jitter", "restart.reset_after"} {
		own = append(own, platform.Omission{Key: key, Why: backoffByItself})
	}
	return append(own, platform.Omission{Key: "version", Why: "the program itself reports it"})
}

// Switches returns the keys of the switches of [platform.Hardening].
func Switches() []string {
	return []string{
		"hardening.no_new_privileges", "hardening.protect_system", "hardening.protect_home", "hardening.private_tmp",
		"hardening.private_devices", "hardening.protect_kernel", "hardening.protect_proc", "hardening.restrict_network",
		"hardening.restrict_syscalls", "hardening.memory_deny_write_execute",
	}
}
