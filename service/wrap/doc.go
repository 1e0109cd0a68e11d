// Package wrap makes a service of any program: a command line becomes a
// [service.Program] that is ready when the command is, reloads and stops it in the
// configured way, copies its output line by line to the service's log, and leaves none of
// its processes behind. [Program] reads the table [wrap] of the configuration file, which
// [Options] describes. examples/wrap is a complete program that uses it: there is no line of
// Go to write.
//
// # A life
//
// The hooks before_start run, then the command. Its standard input is closed, it has the
// directory and the environment of the table, it runs as the user of the service, and in a
// process group of its own. It is ready when all conditions of [wrap.ready] that are set
// hold, within start_timeout. If it ends before, the start has failed, and the error has its
// last lines. From then on the checks of [wrap.health] run at an interval. A command that they
// find unhealthy is ended as by a stop; one that does not feed its watchdog is killed. A command that
// ends by itself ends the service, with an exit code by the table [wrap.exit], or is
// restarted by [wrap.restart]. A stop asks the command as [wrap.stop] says, waits for the
// grace, and then sends SIGKILL to all processes that the command, a hook or a check has
// started, directly or not. If the command had to be killed, the stop fails.
//
// The command gets none of the manager's variables, except for a NOTIFY_SOCKET of ours if
// ready.notify is set. What it sends there is passed on: READY, STATUS, RELOADING, STOPPING,
// EXTEND_TIMEOUT_USEC (which restarts every time limit that is running), WATCHDOG and
// WATCHDOG_USEC, and on Linux FDSTORE and FDSTOREREMOVE with FDNAME and FDPOLL. The next life
// of the command gets the stored descriptors as sd_listen_fds(3) describes. They are passed
// on to the manager under names that begin with "holdfast-command.", so they survive the
// service if the manager has a store. Other descriptors that come with a message are closed.
//
// SIGUSR1, SIGUSR2 and SIGWINCH are passed on to the command. Process 1 of a container passes on all
// signals that can be, except SIGTERM and SIGINT, which are requests to stop, and SIGHUP, which is a
// request to reload.
//
// # No process is left
//
// On Linux this process becomes the reaper of the command's orphans
// (PR_SET_CHILD_SUBREAPER of prctl(2)). So a process that has left by fork and setsid is
// found, and killed. This applies to the whole process: a program that uses this package may
// start processes only from goroutines that are locked to a thread other than the first, as
// alarms do.
//
// If this process is killed itself (kill -9, out of memory), the kernel kills the command
// with it (PR_SET_PDEATHSIG). The other processes end as follows:
//
//   - Under systemd they are killed, by the control group of the service.
//   - On Windows they are killed, by the job object.
//   - Under SysV and OpenRC, and by hand, they continue until the next start, which finds
//     them by a variable of their environment (HOLDFAST_WRAP) and kills them before anything
//     else. A process that has changed its environment or its user is not found.
//
// # Process 1 of a container
//
// As process 1 it waits for the orphans of the whole container, passes signals on, and exits
// with the code of the command. A container ends with its process 1, so no process is left
// there either. Probes find files, by ready.mark and health.mark, or get an answer by HTTP,
// by probes.
//
// # Other Unix systems
//
// macOS and FreeBSD have no reaper of orphans and no PR_SET_PDEATHSIG. There, a process that
// leaves the process group of the command (setsid) survives a stop, and a kill -9 of this
// process leaves the command running. That does not prevent a second start.
//
// # Windows
//
// The command and all that it starts are in a job object from the first instruction on, which
// ends with this process. A stop is ctrl-C by default, in a hidden console of the command. If
// a person has started this process at a console, all processes of that console get it.
package wrap
