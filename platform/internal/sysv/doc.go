// Package sysv renders services as LSB init scripts for sysvinit and similar systems, adds
// them to the runlevels and controls them.
//
// [Render] and [Manager] are portable: they work on every operating system, for any machine
// behind the platform.System.
//
// The script is thin. It asks the program itself (platform.Commands) what runs and whether it
// is ready, which the program decides by a lock and not by a PID file. The program also
// switches to the service's user, sets its limits and goes into the background. So the script
// does not need start-stop-daemon. Not every system has that, and Debian's version waits for
// the whole start timeout if the program has died.
//
// Values are in single quotes, in which a POSIX shell expands nothing.
//
// # Actions
//
// The actions are start, stop, restart, try-restart, reload, force-reload and status, with the
// exit codes of the LSB ("Init Script Actions"): 0 done, also for the start of a running
// service and the stop of a stopped one; 1 failed; 2 usage; 4 not permitted; 5 the program is
// missing; 6 its configuration is invalid; 7 not running. Those of status are: 0 running, 1
// dead but the PID file exists, 2 dead but other state is left, 3 not running, 4 unknown.
//
// # Links
//
// The links of the runlevels are made by update-rc.d, chkconfig or insserv. If none of these
// exists, they are made by hand, with late numbers that follow those of the services in After,
// Requires and Wants.
//
// # Limits
//
// Only the machine's services are supported. Nothing restarts a service that has ended, unless
// Unit.Supervise requests a supervisor of the program's own.
//
// Of the hardening, a script can only apply no_new_privileges (on Linux). It leaves out the
// other switches, their exceptions (read_write_paths), and the removal of capabilities from
// root. Settings that change the identity or the resources of the service are honoured or
// refused. Users, groups, environment, directory, umask and limits of a process are honoured.
// Capabilities for a user and limits of the whole service (memory, tasks, cpu) are refused.
// The watchdog consists of the program's own health checks: a process that hangs as a whole is
// not noticed.
package sysv
