// Package systemd renders services as systemd units, drives them through
// systemctl, and lets a running service talk back to the systemd that started
// it.
//
// [Render] and [Manager] are portable text: they work on every operating
// system, with whatever machine stands behind the platform.System. [Notifier]
// speaks sd_notify(3), on Linux.
//
// # Versions
//
// Written for systemd 235 and later, proven on 252 and 257. Which one will read
// a unit matters for one thing: from 253 on there is Type=notify-reload. A unit
// for an unknown version does without, and works everywhere.
//
// # Scopes
//
// A service of the machine is hardened with everything that the unit's switches
// ask for. A user's own systemd is not privileged: of the switches it can
// honour those that are a matter of system calls (no_new_privileges,
// restrict_network, restrict_syscalls, memory_deny_write_execute) and no others
// everywhere: what needs a mount namespace is dropped by 252 without a word and
// costs a user namespace of its own in 257, in which a process cannot tell other
// users apart. The others are therefore not in a user's unit, and so is not what is managed
// by them (read_write_paths). What changes who the service is, or what
// it gets (user, group, capabilities, further groups, a negative nice), is refused.
//
// # Limits
//
// There is no D-Bus here: one systemctl process per question. Templates, socket
// units and timers are not made.
package systemd
