// Package sysv renders services as LSB init scripts for sysvinit and its like,
// puts them into the runlevels and drives them.
//
// [Render] and [Manager] are portable text: they work on every operating system,
// with whatever machine stands behind the platform.System.
//
// The script is thin. Who runs, and whether it is ready, it asks the program
// itself (platform.Commands), which knows by a lock and not by a PID file; the
// program also becomes the service's user, sets its limits and goes into the
// background. So the script needs no start-stop-daemon, which not every such
// system has, and which in Debian's version waits out the whole start timeout
// for a program that has died.
//
// Values stand in single quotes: there the shell of POSIX expands nothing.
//
// # Actions
//
// start, stop, restart, try-restart, reload, force-reload and status, with the
// exit codes of the LSB ("Init Script Actions"): 0 done, also for a start of
// what runs and a stop of what does not; 1 failed; 2 usage; 4 not permitted; 5
// the program is not there; 6 its configuration cannot be used; 7 not running.
// status: 0 running, 1 dead but the PID file is there, 2 dead but other state is
// left, 3 not running, 4 unknown.
//
// # Links
//
// update-rc.d, chkconfig or insserv makes the links of the runlevels, where one
// of them is; else they are made by hand, with numbers late in the order and
// behind those of the services that this one is to come after.
//
// # Limits
//
// There are services of the machine only. Nothing restarts a service that has
// ended, unless Unit.Supervise asks for a supervisor of the program's own.
//
// Of the hardening, no_new_privileges holds (on Linux); the other switches, what
// they are exempted from (read_write_paths), and the taking of capabilities from root
// are restrictions that a script cannot make: they are not there. What would
// change who the service is or what it gets is honoured or refused: users,
// groups, environment, directory, umask and limits of a process are honoured;
// capabilities for a user and limits of the whole service (memory, tasks, cpu)
// are refused. A watchdog is the program's own health checks: a process that
// hangs as a whole is not noticed.
package sysv
