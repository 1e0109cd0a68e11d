package container

import (
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// LeftOut returns the settings that a definition for that manager leaves out.
func LeftOut(manager string) []platform.Omission {
	all := []platform.Omission{
		{Key: "display_name", Why: "a container has no name for people"},
		{Key: "needs_network", Why: room.NetworkByItself},
		{Key: "reload_timeout", Why: "the program's own command enforces it"},
		{Key: "supervise", Why: "what runs containers restarts them itself"},
		{Key: "restart.delay", Why: "what runs containers has delays of its own, which grow"},
		{Key: "restart.window", Why: "what runs containers counts in its own way"},
		{Key: "hardening.protect_home", Why: "a container sees no home directory of the machine"},
		{Key: "hardening.private_tmp", Why: "a container always has a /tmp of its own"},
		{Key: "hardening.private_devices", Why: "a container never sees physical devices"},
		{Key: "hardening.protect_kernel", Why: "a container without capabilities cannot change them"},
		{Key: "hardening.protect_proc", Why: "a container sees only its own processes"},
		{Key: "hardening.restrict_network", Why: "no setting of a container limits kinds of sockets"},
		{Key: "hardening.memory_deny_write_execute", Why: "no setting of a container forbids such memory"},
	}
	if manager == kubernetesName {
		return room.LeftOut(table, append(all,
			platform.Omission{Key: "restart.policy", Why: "a StatefulSet restarts a pod however it has ended, and after 75, 77 and 78, too"},
			platform.Omission{Key: "restart.max", Why: "the kubelet restarts without end, at last every five minutes"},
			platform.Omission{Key: "restart.success_exit_codes", Why: "a StatefulSet restarts a pod however it has ended"},
		)...)
	}
	return room.LeftOut(table, append(all,
		platform.Omission{Key: "description", Why: "a service of Compose has no text for people"},
		platform.Omission{Key: "watchdog", Why: "the program's own health checks enforce it"},
		platform.Omission{Key: "start_type", Why: `docker starts a container at boot by restart.policy = "always" alone`},
		platform.Omission{Key: "container.storage", Why: "a volume of docker has no size"},
	)...)
}

// table is the managers' table in the configuration.
const table = "container"
