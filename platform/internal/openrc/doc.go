// Package openrc renders services as OpenRC service scripts, puts them into the
// runlevels and drives them.
//
// [Render] and [Manager] are portable text: they work on every operating system,
// with whatever machine stands behind the platform.System.
//
// The script has supervise-daemon(8) keep the service, and asks the program
// itself (platform.Commands) who runs, whether it is ready and whether its
// configuration can be used; the program also becomes the service's user and
// sets its limits. Values stand in single quotes: there the shell expands
// nothing. OpenRC's own start function evaluates its variables once more, so
// the script has one of its own.
//
// # Restarts
//
// supervise-daemon restarts whatever ends, however it ends. So the command that
// it starts each time looks first how the service ended before, and has
// supervise-daemon give up if the restart policy does not follow that: after 0
// with on-failure, after anything with never, and always after 75, 77 and 78.
// Until then the delay has to pass, which OpenRC counts in whole seconds, at
// least one. The command also waits until supervise-daemon listens for its end,
// which that would miss before.
//
// What OpenRC has started and what is dead by now, [Manager.Start] restarts: to
// OpenRC, it is started already.
//
// # Readiness
//
// start returns when the program is ready, on any version: it is asked. OpenRC's
// own notify= is not used: 0.56, which Debian 13 has, does not know it yet.
//
// # States
//
// `rc-service NAME status` ends with 0 started, 3 stopped, 4 stopping, 8
// starting, 16 inactive, 32 crashed, 64 unsupervised. They are not LSB's.
//
// # Limits
//
// Written for 0.56, proven on that version under sysvinit's init. There are
// services of the machine only. What changes who the service is or what it gets
// is honoured or refused, as in package sysv, and of the hardening
// no_new_privileges holds. A watchdog is the program's own health checks.
// OpenRC keeps arguments in files of one line each: a line break in an argument
// is refused, in a variable it is fine.
package openrc
