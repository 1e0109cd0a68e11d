// Package launchd renders services as launchd property lists and drives them
// through today's launchctl: bootstrap, bootout, print, enable, with domain
// targets, on macOS 10.11 and later.
//
// [Render] and [Manager] are portable: they work on every operating system,
// with whatever machine stands behind the platform.System. No Mac was at hand
// when this was written: it is proven against a double (test/launchdsim) that
// behaves as launchd.plist(5), launchctl(1) and reports of its users say.
//
// # What launchd is told
//
// A service is a LaunchDaemon in the domain system, or a LaunchAgent in gui/UID;
// where that user is not logged in at the screen, in user/UID. To stop it is to
// boot it out, to start it is to bootstrap it: launchd then reads the
// property list anew, so what install changed takes effect. `kickstart -k` is
// not used: it kills by SIGKILL (github.com/kirodotdev/KiroCrew/issues/1562), keeps
// the old property list, and the kernel kills a program that was replaced since the
// bootstrap, because launchd then pinned its signature (github.com/agentic-research/mache/pull/641).
// bootout returns before the job is gone, and for some seconds afterwards
// bootstrap fails with EIO; everything here waits for the one and tries the
// other again, within bounds. To install is to write and enable: RunAtLoad, which
// KeepAlive implies, makes the bootstrap the start, and that is Start's.
//
// # Exit codes
//
// launchd has no list of codes that prevent a restart, as systemd has: with
// KeepAlive {SuccessfulExit = false} it restarts after every code but 0. So a
// process that launchd started by our property list leaves with the code that
// launchd understands, see [Policy.ExitCode]. The true code is in the service's log.
//
// # Limits
//
// The format of `launchctl print` is not an API (launchctl(1) says so): what is
// not understood there counts as unknown, and readiness is read from the
// service's own state file. launchd sandboxes nothing by itself: the hardening
// switches that take something away have no counterpart and are left out, while
// what would change who the service is (capabilities, further groups) is
// refused; so are limits that launchd does not enforce and the order of services,
// which it does not know. Standard output and error go to a file that nobody
// rotates: a service that says much sets [service.log] file.
package launchd
