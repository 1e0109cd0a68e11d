// Package bed boots small Debian systems with a real init (systemd 257, systemd 252, sysvinit,
// OpenRC) as hosts for tests, and one whose init is Wine: to programs, it is Windows with its
// service control manager.
//
// A bed is a container with its own processes, mounts, network, host name and boot id. It runs
// on a private copy-on-write layer over a cached root, so a test may install, break and reboot
// it as it likes, and leaves nothing behind. A boot takes a second or two, and several beds
// can run side by side.
//
// Most tests need two lines:
//
//	b := bed.Require(t, "systemd257") // boots it; skips the test, with the reason, where that is not possible
//	stdout, stderr, code, err := b.Run(t.Context(), "systemctl", "is-active", "dbus.service")
//
// scripts/beds.sh (`sudo make beds`) builds the roots in $BEDS_DIR, by default holdfast-beds
// in the user's cache directory. With HOLDFAST_BEDS=require in the environment, a test fails
// instead of being skipped if its bed is not available: see [RequireEnv].
//
// # Limits
//
// Beds need Linux and root. On other systems everything compiles, [Kinds] is empty and [Boot]
// returns [errors.ErrUnsupported].
//
// The kernel is the host's, so a bed proves less than a real machine in these points:
//
//   - Limits that depend on cgroup controllers (MemoryMax=, TasksMax=, CPUQuota=, IOWeight=) are
//     accepted, but work only if the host offers those controllers in cgroup v2. A host with
//     hybrid cgroups does not.
//   - Settings that need BPF (IPAddressDeny=, IPAccounting=, RestrictFileSystems=) are accepted
//     but have no effect.
//   - If the host lacks CAP_SYS_RESOURCE, a LimitNOFILE= or LimitMEMLOCK= above the host's hard
//     limit is silently reduced to that limit, and a negative OOMScoreAdjust= becomes 0.
//   - The clock, modules, the kernel log and most of /proc/sys cannot be read or changed. There is
//     no /dev/kmsg.
//   - /proc/self/cgroup also shows the host's version 1 hierarchies, if there are any.
//
// In the bed "wine", drive C: is /wine/drive_c and Z: is the whole file system of the bed.
// `wine X.exe` runs a program, and telinit shuts Windows down. Unlike Windows, Wine ends with
// its last program, so the init keeps one running. Wine also differs from Windows in other
// points: recovery actions cannot be read back, the only user may do everything, and there are
// no session changes.
//
// Sandbox options (namespaces, seccomp filters, capabilities, Protect*=, Private*=) work as on
// a real machine, for user managers, too. TestSandbox checks that.
package bed
