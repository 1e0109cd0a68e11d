// Package wrap makes a service of any program: a command line becomes a
// [service.Program] that is ready when the command is, reloads and stops it as it wants
// to be, takes its output line by line to the service's log, and leaves nobody of its
// processes behind. [Program] reads the table [wrap] of the configuration file, which
// [Options] describes; examples/wrap is a whole program of it, without a line of Go to
// write.
//
// # A life
//
// The hooks before_start run, then the command: with standard input closed, with the
// directory and the environment of the table, as the user that the service runs as, in a
// process group of its own. It is ready when every condition of [wrap.ready] that is set
// holds, within start_timeout; one that ends before has failed to start, and what it said
// last stands in the error. From then on [wrap.health] asks at an interval. A command that
// ends by itself ends the service, with its exit code by the table [wrap.exit], or is
// started again by [wrap.restart]. A stop is the way of [wrap.stop], the grace, and
// then SIGKILL for everybody whom the command, a hook or a check has started, directly or not;
// a command that had to be killed makes the stop fail.
//
// The command gets none of the manager's variables, but where ready.notify is set a
// NOTIFY_SOCKET of ours. What it says there is passed on: READY, STATUS, RELOADING,
// STOPPING, EXTEND_TIMEOUT_USEC (every limit that runs begins anew), WATCHDOG and
// WATCHDOG_USEC. FDSTORE is refused, and named in the log; descriptors that come
// with a message are closed.
//
// SIGUSR1, SIGUSR2 and SIGWINCH are passed on to the command.
//
// # Nobody is left
//
// On Linux this process becomes the reaper of the command's orphans
// (PR_SET_CHILD_SUBREAPER of prctl(2)), so that a process which has gone its own way by
// fork and setsid is still found, and ended. That is of the whole process: a program that
// uses this package starts no processes of its own, but from goroutines that are locked to
// a thread other than the first, as alarms do.
//
// If we are killed ourselves (kill -9, out of memory) the command is killed with us by the
// kernel (PR_SET_PDEATHSIG), and:
//
//   - under systemd all others are, by the control group of the service;
//   - on Windows all others are, by the job object;
//   - under SysV and OpenRC, and by hand, what the command had started goes on until the
//     next start, which finds it by a variable of its environment (HOLDFAST_WRAP) and ends
//     it before anything else. What has changed its environment or its user is not found.
//
// # Process 1 of a container
//
// There it waits for the orphans of the whole container, passes signals on, and exits as
// the command did; a container ends with its process 1, so nobody is left there either.
//
// # Other Unix systems
//
// There is no reaper of orphans and no PR_SET_PDEATHSIG there, on macOS and FreeBSD: who
// leaves the process group of the command (setsid) outlives a stop, and a kill -9 of
// ours leaves the command running; a second start is not kept from it.
//
// # Windows
//
// The command and what it starts is in a job object that ends with us, from its first
// instruction on. A stop is ctrl-C by default, in a console
// of its own that nobody sees; where a person has started us at his, all there get that.
package wrap
