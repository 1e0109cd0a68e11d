// Package service runs a [Program] as a proper service on every operating
// system: one instance, ready when it says so, reloaded without being killed,
// stopped in order, its last run remembered.
//
// A program has a [Config] and two methods:
//
//	func main() { os.Exit(cli.Main(service.Config{Name: "feedd"}, &feedd{})) }
//
// # A life, in order
//
//  1. Signal handlers are registered, and somebody receives: from here on nothing
//     kills us unstopped, and whatever blocks ends by a request to stop.
//  2. The configuration is read and checked, and the log is opened.
//  3. The singleton is acquired: a second instance ends here with exit code 75.
//  4. The record of the last run is examined; a [Migrator] is told of another version, a
//     [Recoverer] of a bad end.
//  5. The state file says "starting".
//  6. Program.Start runs.
//  7. Readiness is reported to the manager, then the reload gate opens.
//  8. Reloads run, one at a time; requests that wait are joined.
//  9. A stop is asked for, or the program fails. Then, each step named, logged,
//     timed and bounded, and none skipped because another failed: the stop is
//     announced; the reload gate closes; a Start or Reload that still runs is
//     awaited; Program.Stop, if Start returned nil; the goroutines of [Runtime.Go]
//     are cancelled and awaited; the steps of [Runtime.OnStop], last in, first
//     out; the last-run record is closed; the PID file is removed; the lock is
//     released.
//
// The phase goes from starting to ready, to and fro between ready and reloading,
// and from any of them to stopping, from which no way leads back: in the state
// file and in what the manager is told.
//
// # Time limits
//
// Steps 2, 3 to 5, and 6 have start_timeout each; those before Start no less than
// 10 s. A stop that is asked for meanwhile ends step 2 after a second at the
// latest, and steps 3 to 5 after five: see [Run]. A reload has reload_timeout,
// which includes reading the configuration.
//
// The whole stop has stop_timeout. Its steps share it so that what hangs leaves
// time for what is behind it: a Start three quarters of the time at most, a
// Reload half of what is left then, Stop all that is left but what the steps of
// OnStop ask for, and no more than three quarters of it while there are goroutines
// or steps behind it; likewise each step after it. With the key program_stop_timeout
// Stop has that instead, as far as stop_timeout goes, and the steps behind it share
// what it leaves. A program that cannot tell how long its Stop takes calls
// [Runtime.Progress] while it gets on: that begins every limit anew. About a second is always kept
// for the records, which have three in any case.
//
// Overrunning the stop timeout, or a second request to stop, cancels the
// goroutines, passes over the steps that remain, writes the stacks of all
// goroutines to the log (64 MiB of text at most; if that is not enough, it says
// so), and ends the process with a failure. Managers kill later than that: see
// the unit that `install` writes. The end of the context that Run got asks for a
// stop and is never the second request.
//
// # The program's own configuration
//
// It stands in tables of its own in the same file. A [TableProvider] says which,
// with their defaults; Start and Reload read them by [Runtime.DecodeTable], which
// asks a Validate method of theirs. The command line checks them before it installs,
// starts, restarts or reloads the service; a [Checker] joins in.
//
// # Words
//
//   - life: from the first signal handler to the end of the process: one call of [Run].
//   - holder: the process that holds the service's name: the one instance.
//   - reload gate: where requests to reload wait until the program is ready, and are
//     joined while a reload runs. See package reload.
//   - term: the number of a life. It only grows: see [Runtime.Term].
//   - instance: one of several services of a program, each with a name of its own
//     behind an "@".
//
// # As process 1
//
// In a container the program may be process 1, and then inherits what other
// processes leave behind. It does not reap them: zombies add up where its children
// have children of their own that outlive them. Use the runtime's init there
// (docker run --init, tini), or a pod that shares its process namespace.
//
// # What cannot be repaired
//
// While the program is ready its PID file and lock file are checked every second,
// and restored if somebody removed or altered them; Config.OnTamper is called.
// What cannot be restored is logged at once, again after a minute, and then after
// pauses that double, up to an hour; and once more when it is over. The same holds
// for a state file that cannot be written. It is tried again after a second, and
// then after pauses that double, up to half a minute.
package service
