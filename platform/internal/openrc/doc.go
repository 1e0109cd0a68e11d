// Package openrc renders services as OpenRC service scripts, adds them to the runlevels and
// controls them.
//
// [Render] and [Manager] are portable: they work on every operating system, for any machine
// behind the platform.System.
//
// The script runs the service under supervise-daemon(8), or, with supervise = true, under the
// program's own supervisor, because supervise-daemon keeps no sockets and files. It asks the program itself
// (platform.Commands) what runs, whether it is ready and whether its configuration is valid.
// The program also switches to the service's user and sets its limits. Values are in single
// quotes, in which the shell expands nothing. OpenRC's default start function evaluates its
// variables once more, so the script has its own.
//
// # The program's own supervisor
//
// It restarts the service as under sysv. OpenRC notices neither a restart nor that the
// supervisor has given up: rc-status shows the service as started, and only
// `rc-service NAME status`, which asks the program, says that it has crashed. During a restart
// a process lends the sockets of the old supervisor to the new one: package
// service/supervise.
//
// # Restarts by supervise-daemon
//
// supervise-daemon restarts the service however it has ended. So the command that it starts
// first examines how the service ended before. If the restart policy does not call for a
// restart, it makes supervise-daemon give up: after exit code 0 with on-failure, after any end
// with never, and always after 75, 77 and 78. Before that the delay has to pass, which OpenRC
// counts in whole seconds, at least one. The command also waits until supervise-daemon can
// notice its end, because it would miss an earlier one.
//
// If OpenRC has started a service that is dead now, [Manager.Start] restarts it, because
// OpenRC still considers it started.
//
// # Readiness
//
// start returns when the program is ready. It asks the program, so that works with every
// version. OpenRC's own notify= is not used: version 0.56, which Debian 13 has, does not have
// it yet.
//
// # States
//
// The exit codes of `rc-service NAME status` are 0 started, 3 stopped, 4 stopping, 8 starting,
// 16 inactive, 32 crashed, 64 unsupervised. These are not the codes of the LSB.
//
// # Limits
//
// The package is written for OpenRC 0.56, and tested with that version under sysvinit's init.
// Only the machine's services are supported. Settings that change the identity or the
// resources of the service are honoured or refused, as in package sysv. Of the hardening, only
// no_new_privileges is applied. The watchdog consists of the program's own health checks.
// OpenRC stores arguments in files with one argument per line, so a line break in an argument
// is refused. In an environment variable it works.
package openrc
