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
//  1. Signal handlers are registered: from here on nothing kills us unstopped.
//  2. The configuration is read and checked.
//  3. The singleton is acquired: a second instance ends here with exit code 75.
//  4. The record of the last run is examined; a [Recoverer] hears of a bad end.
//  5. The state file says "starting".
//  6. Program.Start runs.
//  7. Readiness is reported to the manager, then the reload gate opens.
//  8. Reloads run, one at a time; requests that wait are joined.
//  9. A stop is asked for, or the program fails. Then, each step named, logged,
//     timed and bounded, and none skipped because another failed: the stop is
//     announced; the reload gate closes; a Start or Reload that still runs is
//     awaited; Program.Stop; the goroutines of [Runtime.Go] are cancelled and
//     awaited; the steps of [Runtime.OnStop], last in, first out; the last-run
//     record is closed; the PID file is removed; the lock is released.
//
// Overrunning the stop timeout, or a second request to stop, writes the stacks
// of all goroutines to the log and ends the process with a failure. Managers
// kill later than that: see the unit that `install` writes.
package service
