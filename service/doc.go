// Package service runs a [Program] as a proper service on every operating system. A service
// has one instance, becomes ready when it says so, reloads without being killed, stops in
// order, and remembers its last run.
//
// A program has a [Config] and two methods:
//
//	func main() { os.Exit(cli.Main(service.Config{Name: "feedd"}, &feedd{})) }
//
// # The life of a service
//
//  1. Signal handlers are registered, and requests are received. From here on no signal kills
//     the process before it could stop, and a request to stop ends whatever blocks.
//  2. The configuration is read and checked, and the log is opened.
//  3. The singleton lock is taken. A second instance ends here with exit code 75.
//  4. The record of the last run is read. A [Migrator] is told about a change of version, and
//     a [Recoverer] about a bad end.
//  5. The state file says "starting".
//  6. Program.Start runs.
//  7. Readiness is reported to the manager. Then the reload gate opens.
//  8. Reloads run, one at a time. Requests that wait are joined.
//  9. A stop is requested, or the program fails. The steps of the stop follow. Each of them is
//     named, logged, timed and bounded, and none is skipped because another one failed. The
//     stop is announced and the reload gate closes. A Start or Reload that is still running is
//     awaited. Program.Stop runs if Start returned nil. The goroutines of [Runtime.Go] are
//     cancelled and awaited. The steps of [Runtime.OnStop] run, last in, first out. The
//     last-run record is closed, the PID file is removed, and the lock is released.
//
// With a [Config.Cluster], the instance campaigns between steps 5 and 6, and stands by until it
// leads: its phase is standby, it is ready to its manager, and reloads are served. Everything
// that step 4 tells the program follows when it leads. The last of the steps of the stop is
// that it resigns. If it loses its term, the stop follows, and another life in the same
// process: see docs/clusters.md.
//
// The phase changes from starting to ready, back and forth between ready and reloading, and
// from any of them to stopping, which is final. The state file and the manager are told the
// same phase, except that a reload or a stop that is over within 50 ms may not show in the file.
//
// # Time limits
//
// Step 2, steps 3 to 5 together, and step 6 may each take start_timeout. The limit of the
// steps before Start is at least 10 s. If a stop is requested meanwhile, step 2 ends within a
// second, and steps 3 to 5 within five: see [Run]. A reload may take reload_timeout, which
// includes reading the configuration.
//
// The whole stop may take stop_timeout. Its steps share that time, so that a step that hangs
// leaves time for those after it:
//
//   - A Start that is still running gets at most three quarters of the time.
//   - A Reload that is still running then gets half of what is left.
//   - Stop gets what is left except for the timeouts of the OnStop steps, but at most three
//     quarters of it while goroutines or steps remain. Each later step is treated likewise.
//
// The key program_stop_timeout replaces the share of Stop, within stop_timeout. The steps
// after Stop then share the rest. A program that cannot tell how long its Stop takes calls
// [Runtime.Progress] while it makes progress, which restarts every limit. About a second is
// always kept for the records, which get three seconds in any case.
//
// If the stop overruns stop_timeout, or a stop is requested a second time, the goroutines are
// cancelled and the remaining steps are skipped. The stacks of all goroutines are written to
// the log (at most 64 MiB of text; the log says if that is not enough), and the process ends
// with a failure. Managers kill the process later than that: see the unit that `install`
// writes. The end of the context passed to Run requests a stop, but never counts as the second
// request.
//
// # The program's own configuration
//
// A program keeps its configuration in tables of its own in the same file. A [TableProvider]
// names them and their defaults. Start and Reload read them with [Runtime.DecodeTable], which
// calls the Validate method of a table. The command line checks these tables before it
// installs, starts, restarts or reloads the service, and calls a [Checker], too.
//
// # Terms
//
//   - life: one call of [Run], from the first signal handler to the end of the process. Only
//     a cluster can have several in one process.
//   - holder: the process that holds the service's name. It is the one instance.
//   - reload gate: it keeps reload requests waiting until the program is ready, and joins those
//     that arrive while a reload is running. See package reload.
//   - term: the time for which an instance holds the service's name, and its number, which only
//     grows: see [Runtime.Term].
//   - instance: one of several services of one program. Its name follows an "@".
//
// # Running as process 1
//
// In a container the program may be process 1, which inherits the orphans of other processes.
// It does not reap them, so zombies accumulate if its children have children that outlive
// them. Use the init of the container runtime (docker run --init, tini), or a pod with a
// shared process namespace.
//
// # Damage that cannot be repaired
//
// While the program is ready, its PID file and lock file are checked: whenever the system
// reports a change in their directories, or every second if it does not report changes. If
// somebody removed or altered them, they are restored and Config.OnTamper is called. Damage
// that cannot be repaired is logged at once, again after a minute, and then after pauses that
// double up to an hour; the log also says when it is over. The same holds for a state file that
// cannot be written. That write is repeated after a second, and then after pauses that double
// up to half a minute.
package service
