// Package launchd renders services as launchd property lists, and controls them through the
// modern launchctl on macOS 10.11 and later: bootstrap, bootout, print and enable, with domain
// targets.
//
// [Render] and [Manager] are portable: they work on every operating system, for any machine
// behind the platform.System. They have not been tested on a Mac, but with a double
// (test/launchdsim) that behaves as launchd.plist(5), launchctl(1) and reports of users say.
//
// # How launchd is used
//
// A service is a LaunchDaemon in the domain system, or a LaunchAgent in gui/UID, or in
// user/UID if the user is not logged in at the screen. It is stopped by bootout and started by
// bootstrap, so launchd reads the property list each time and changes take effect. `kickstart
// -k` is not used. It kills by SIGKILL (github.com/kirodotdev/KiroCrew/issues/1562) and keeps
// the old property list. The kernel also kills a program that was replaced since the
// bootstrap, because launchd pinned its signature then
// (github.com/agentic-research/mache/pull/641).
//
// bootout returns before the job is gone, and for some seconds afterwards bootstrap fails with
// EIO. The methods here wait for the former and retry the latter, within limits. An install
// writes the property list and enables it, but does not bootstrap it: KeepAlive implies
// RunAtLoad, so a bootstrap would start the service, which is left to Start.
//
// # Exit codes
//
// Unlike systemd, launchd has no list of exit codes that prevent a restart: with KeepAlive
// {SuccessfulExit = false} it restarts after every code but 0. So a process that was started
// from our property list exits with a code that launchd understands: see [Policy.ExitCode].
// The original code is in the service's log.
//
// # Limits
//
// The format of `launchctl print` is not an API, as launchctl(1) says. Output that is not
// understood counts as unknown, and readiness comes from the service's own state file. launchd
// does not sandbox services, so the hardening switches are left out. Settings that would
// change the identity of the service (capabilities, further groups) are refused. So are limits
// that launchd does not enforce, and the order of services, which it does not have. Standard
// output and error go to a file that nobody rotates. A service that prints much should set
// [service.log] file.
package launchd
