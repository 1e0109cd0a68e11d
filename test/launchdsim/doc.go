// Package launchdsim is a DOUBLE of launchd and launchctl: no launchd at all,
// but a program that behaves, as far as holdfast uses them, as launchd.plist(5),
// launchctl(1), Apple's published sources and reports of macOS users say that
// they do. It really runs the jobs, as processes. What it proves is that
// holdfast copes with what is known of launchd, and no more: where the double
// lies, only a Mac can tell.
//
// A [Double] is one machine's launchd. Tests drive it in their own process by
// [Double.Control]; the command in the folder launchctl puts it behind a socket,
// so that a test machine can have it in the place of the real one.
//
// # What it does, and who says so
//
//   - Domains system, user/UID and gui/UID, the last only for who is logged in at
//     the screen: launchctl(1). A domain that is not there: 112; a bootstrap into it: 125;
//     an agent that does not ask for the session Background, in user/UID: 134 (`launchctl error N`).
//   - KeepAlive {SuccessfulExit = false} implies RunAtLoad and restarts after every end but exit code 0, death by
//     signal too; ThrottleInterval seconds between two starts, 10 by default; ExitTimeOut seconds between
//     SIGTERM and SIGKILL, 0 is never, 5 by default (launchd.plist(5); the default: bobmatnyc/trusty-tools/issues/4393).
//   - When a job's process ends, what is left of its process group gets SIGTERM, unless AbandonProcessGroup:
//     launchd.plist(5).
//   - bootout sends SIGTERM and returns 0 at once; the job stays with the state "SIGTERMed" until its process is
//     gone, SIGKILL after ExitTimeOut: the log in elastic/elastic-agent/issues/593, kxn/codex-remote-feishu/issues/914.
//   - For some time after that bootstrap fails with EIO although print knows the job no more: "rc=5 for about 5 s",
//     headroomlabs-ai/headroom/issues/1289; launchd's own word for it is 37, Layr-Labs/d-inference/issues/1102.
//   - EIO also for what is loaded already and for whoever is not root: quantonganh.com/2025/09/26/launchctl-input-output-error.
//   - bootout of what is not loaded: 3; print and kickstart of it: 113; bootstrap of what is disabled: 119; kickstart of what runs: 37
//     (headroomlabs-ai/headroom/issues/1289 and `launchctl error N`).
//   - bootout --wait: 64 on macOS 15 (pingdotgg/t3code/pull/12005).
//   - kickstart -k kills by SIGKILL: kirodotdev/KiroCrew/issues/1562.
//   - A property list that is not owned by root, or by the user in his domain, or that others may write to: 122 (docs.concordium.com
//     and others; the rule is in launchctl(1)). One that is none: 109; without program: 111.
//   - enable and disable outlive the job and a reboot; print-disabled writes "disabled" and "enabled" (since macOS 13:
//     usnistgov/macos_security/issues/167).
//   - print: its own lines behind one tab, blocks in braces; "last exit code = 78: EX_CONFIG", "(never exited)", and "last
//     terminating signal = Killed: 9" in place of the code; a program that cannot be executed counts as exit 78 with
//     "job state = spawn failed"; "spawn scheduled" while throttled.
//   - A job has PATH=/usr/bin:/bin:/usr/sbin:/sbin, XPC_SERVICE_NAME and, with a user, HOME, SHELL, USER and LOGNAME
//     (job_postfork_become_user in launchd-842's core.c). Its log file belongs to that user: launchd.plist(5).
//   - At boot everything in /Library/LaunchDaemons that is not disabled is loaded; at shutdown all jobs get SIGTERM.
//
// # What it leaves out
//
// Mach services, sockets, timers and the like; resource limits, Nice, ProcessType; what a user's login loads;
// KeepAlive's other conditions. A property list that asks for what is left out of KeepAlive is refused (109), not
// misunderstood.
package launchdsim
