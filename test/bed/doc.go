// Package bed boots small Debian systems with a real init (systemd 257, systemd 252, sysvinit, OpenRC) as hosts for tests,
// and one whose init is Wine: Windows with its service control manager, as far as programs see.
//
// A bed is a container with its own processes, mounts, network, host name and boot id, started from a private
// copy-on-write layer over a cached root, so a test may install, break and reboot it at will and leaves nothing behind.
// Booting takes a second or two, and several beds run side by side.
//
// Most tests need two lines:
//
//	b := bed.Require(t, "systemd257") // boots it; skips the test, with the reason, where that is not possible
//	stdout, stderr, code, err := b.Run(t.Context(), "systemctl", "is-active", "dbus.service")
//
// The roots are made by scripts/beds.sh (`sudo make beds`) under $BEDS_DIR, by default holdfast-beds in the user's cache
// directory. With HOLDFAST_BEDS=require in the environment a bed that cannot be had fails the test instead of skipping it; see
// [RequireEnv].
//
// # Limits
//
// Linux and root only; elsewhere everything compiles, [Kinds] is empty and [Boot] returns [errors.ErrUnsupported].
//
// The kernel is the host's, so a bed proves less than a machine does in these points:
//   - Limits that rest on cgroup controllers (MemoryMax=, TasksMax=, CPUQuota=, IOWeight=) are accepted, and work only where
//     the host offers those controllers in cgroup v2, which a host with hybrid cgroups does not.
//   - What needs BPF (IPAddressDeny=, IPAccounting=, RestrictFileSystems=) is accepted and does nothing.
//   - Where the host lacks CAP_SYS_RESOURCE, a LimitNOFILE= or LimitMEMLOCK= above the host's hard limit becomes that limit, and a
//     negative OOMScoreAdjust= becomes 0, both without a word.
//   - The clock, modules, the kernel log and most of /proc/sys cannot be changed or read; there is no /dev/kmsg.
//   - /proc/self/cgroup shows the host's version 1 hierarchies too, if it has any.
//
// In the bed "wine" the C: drive is /wine/drive_c and Z: is all of the bed's file system; `wine X.exe` runs a program, and
// telinit shuts Windows down. It ends as Windows does not when its last program ends, so its init keeps one. What Wine lacks
// beside Windows, among it: recovery actions cannot be read back, there is one user, who may do everything, and no session changes.
//
// Sandbox options (namespaces, seccomp filters, capabilities, Protect*=, Private*=) work as on a machine, for user
// managers too; TestSandbox keeps watch over that.
package bed
