// Package systemd renders services as systemd units, controls them through systemctl, and lets
// a running service report to the systemd that started it.
//
// [Render] and [Manager] are portable: they work on every operating system, for any machine
// behind the platform.System. [Notifier] speaks sd_notify(3), on Linux.
//
// # Versions
//
// The package is written for systemd 235 and later, and tested with 252 and 257. The version
// that will read a unit matters for one feature only: Type=notify-reload, which exists since
// 253. A unit for an unknown version does not use it, and works everywhere.
//
// # Scopes
//
// A service of the machine gets all the hardening that the unit's switches request. A user's
// own systemd has no privileges. It can only honour the switches that concern system calls
// (no_new_privileges, restrict_network, restrict_syscalls, memory_deny_write_execute). The
// others need a mount namespace: 252 ignores them silently, and 257 uses a user namespace of
// its own, in which a process cannot distinguish other users. So they are left out of a user's
// unit, together with read_write_paths. Settings that change the identity or the resources of
// the service (user, group, capabilities, further groups, a negative nice) are refused.
//
// # Limits
//
// The package does not use D-Bus: each query runs one systemctl process. It does not make
// templates, socket units or timers.
package systemd
