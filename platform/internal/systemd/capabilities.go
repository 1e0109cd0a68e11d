package systemd

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// allCapabilities in the list means that no capability is taken away.
const allCapabilities = "all"

func capabilities(f *unitFile, h platform.Hardening, root bool) {
	if slices.Contains(h.Capabilities, allCapabilities) {
		if !root {
			f.Refuse("hardening.capabilities", "%q is for root: name the capabilities that the user needs", allCapabilities)
		}
		return
	}
	const field = "hardening.capabilities"
	f.set("CapabilityBoundingSet", strings.Join(h.Capabilities, " ")) // empty: none
	for _, c := range h.Capabilities {
		if !known(c) {
			f.Refuse(field, "%q: there is no such capability, see capabilities(7)", c)
		}
		// These keys take capabilities away, whatever the bounding set says: see systemd.exec(5).
		if h.ProtectKernel == platform.On && slices.Contains([]string{"CAP_SYS_MODULE", "CAP_SYSLOG", "CAP_SYS_TIME", "CAP_WAKE_ALARM"}, c) {
			f.Refuse(field, "%s is removed by protect_kernel: set that to false", c)
		}
		if h.PrivateDevices == platform.On && slices.Contains([]string{"CAP_MKNOD", "CAP_SYS_RAWIO"}, c) {
			f.Refuse(field, "%s is removed by private_devices: set that to false", c)
		}
	}
	if !root && len(h.Capabilities) > 0 {
		// The bounding set is only a limit. A process that is not root must also get them.
		f.set("AmbientCapabilities", strings.Join(h.Capabilities, " "))
	}
}

// callsOf returns the additional system calls that a capability is for: see `systemd-analyze
// syscall-filter`.
func callsOf(capability string) string {
	switch capability {
	case "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP":
		return "@setuid capset"
	case "CAP_SYS_NICE", "CAP_SYS_RESOURCE":
		return "@resources"
	case "CAP_SYS_TIME", "CAP_WAKE_ALARM":
		return "@clock"
	case "CAP_SYS_PTRACE", "CAP_PERFMON":
		return "@debug"
	case "CAP_SYS_ADMIN":
		return "@privileged @mount"
	case "CAP_SYS_MODULE":
		return "@module"
	case "CAP_SYS_RAWIO":
		return "@raw-io"
	case "CAP_SYS_BOOT":
		return "@reboot"
	case "CAP_SYS_CHROOT":
		return "chroot"
	case "CAP_DAC_READ_SEARCH":
		return "open_by_handle_at"
	case "CAP_SYS_PACCT":
		return "acct"
	case "CAP_SYSLOG":
		return "syslog"
	case "CAP_SYS_TTY_CONFIG":
		return "vhangup"
	case "CAP_BPF":
		return "bpf"
	case allCapabilities:
		return "@privileged @resources @mount @debug"
	}
	return ""
}

// knownCapabilities are those of Linux 6.x. systemd ignores unknown names.
const knownCapabilities = ` CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID
 CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW
 CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN
 CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE
 CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND
 CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE `

func known(capability string) bool {
	return slices.Contains(strings.Fields(knownCapabilities), capability)
}
