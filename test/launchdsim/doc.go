// Package launchdsim is a DOUBLE of launchd and launchctl. It is not launchd,
// but a program that behaves, as far as holdfast uses them, as launchd.plist(5),
// launchctl(1), Apple's published sources and reports of macOS users say that
// they do. It really runs the jobs, as processes. It proves only that
// holdfast copes with what is known about launchd. Only a Mac can tell where
// the double is wrong.
//
// A [Double] is the launchd of one machine. Tests drive it in their own process by
// [Double.Control]; the command in the folder launchctl puts it behind a socket,
// so that a test machine can use it instead of the real one.
//
// # What it does, with sources
//
// The manual pages are Apple's, of macOS 13 to 26; names like owner/project/issues/N are at github.com. Codes have their
// names from `launchctl error N`.
//
//   - Domains system, user/UID and gui/UID, the last one only for users who are logged in at the screen: launchctl(1).
//     user/UID exists for everybody, as after a login by ssh (Mic92/sops-nix/pull/966). print of a missing domain:
//     112; 125 was seen, too (duh17/oppi/issues/38). bootstrap into a missing domain: 125
//     (rjwalters/loom/issues/4130). bootstrap into user/UID of an agent that does not ask for the session Background: 134
//     (duh17/oppi/issues/31, geldata/gel-cli/pull/740).
//   - KeepAlive {SuccessfulExit = false} implies RunAtLoad and restarts after every end but exit code 0, death by
//     signal too; ThrottleInterval seconds from one start to the next, 10 by default; ExitTimeOut seconds between
//     SIGTERM and SIGKILL, 0 is never: launchd.plist(5). The default of that is "system-defined" there, 5 in
//     bobmatnyc/trusty-tools/issues/4393 and elastic/elastic-agent/issues/593; until macOS 10.10 it was 20
//     (prey/prey-node-client/issues/75).
//   - When a job's process ends, the rest of its process group gets SIGTERM, unless AbandonProcessGroup:
//     launchd.plist(5).
//   - bootout sends SIGTERM and returns 0 at once; the job stays with the state "SIGTERMed" until its process is
//     gone, SIGKILL after ExitTimeOut: the log in elastic/elastic-agent/issues/593;
//     kxn/codex-remote-feishu/issues/914. With Slow it returns 36, as in osquery/osquery/issues/5698.
//   - For some time after that, bootstrap fails with EIO although print no longer knows the job: "rc=5 for about 5 s",
//     headroomlabs-ai/headroom/issues/1289; launchd's own word for it is 37, Layr-Labs/d-inference/issues/1102.
//   - EIO also for a job that is loaded already (kxn/codex-remote-feishu/pull/916; 37 in openclaw/openclaw/pull/71413), and for
//     users other than root in the system's domain, which launchctl(1) reserves for root. They get few
//     other errors: "Try re-running the command as root for richer errors" (asmvik/yabai/issues/986; this very case: no report).
//   - With OnDemandOnly a bootstrap succeeds and starts nothing: "pended nondemand spawn = speculative", runs = 0,
//     until a kickstart: liby/dotfiles/issues/28, bobmatnyc/trusty-tools/issues/2498,
//     drumih/turbo-fieldfare/pull/126.
//   - bootout of a job that is not loaded: 3 (nix-community/home-manager/issues/9585); print and kickstart of it: 113;
//     kickstart of a running job: 37; both in headroomlabs-ai/headroom/issues/1289. A kickstart waits for
//     ThrottleInterval, too.
//   - bootout --wait: 64 on macOS 15 and before (pingdotgg/t3code/issues/11995).
//   - kickstart -k kills by SIGKILL: kirodotdev/KiroCrew/issues/1562.
//   - A property list that belongs neither to root nor, in a user's domain, to that user, or that others may write to:
//     122, and 5 for users other than root; the rule is in launchctl(1), quoted in munkireport/munkireport-php/issues/1468; the
//     5: alienator88/Pearcleaner/issues/550. A file that is no property list: 109; without a label: 110; without a program: 111; a
//     missing one: 5 (launchctl's names for the first three; no report).
//   - enable and disable survive the job, its property list and a reboot: launchctl(1). bootstrap of a disabled
//     job: 119 (DeterminateSystems/nix-installer/issues/530; 5 elsewhere, openclaw/openclaw/pull/849: our tests
//     of the manager have that). print-disabled writes "disabled" and "enabled" (before macOS 13 "true" and "false":
//     usnistgov/macos_security/issues/167). user/UID and gui/UID share one list. disable in the system's domain by
//     a user other than root: 1 (no report of the code).
//   - print: its own lines after one tab, blocks in braces, as in wazuh/wazuh-packages/issues/2206; "last exit code
//     = 78: EX_CONFIG" for a job that cannot be executed or cannot open its log as its user, in
//     nix-community/home-manager/issues/9611 and Asymptote-Labs/agent-beacon/pull/510; "spawn scheduled" while
//     throttled, in bobmatnyc/trusty-tools/issues/6590; "(never exited)" in openbase-community/openbase/pull/15.
//     "last terminating signal = Killed: 9" replaces the code (no thread to cite; many programs that parse
//     print expect it).
//   - A job has PATH=/usr/bin:/bin:/usr/sbin:/sbin, XPC_SERVICE_NAME (both in nix-community/home-manager/issues/9611)
//     and, with a user, HOME, SHELL, USER and LOGNAME (job_postfork_become_user in core.c of opensource.apple.com's
//     launchd-842.1.4). Its log file belongs to that user: launchd.plist(5).
//   - At boot everything in /Library/LaunchDaemons that is not disabled is loaded; at shutdown all jobs get SIGTERM:
//     launchd(8).
//
// # What it leaves out
//
// Mach services, sockets, timers and the like; resource limits, Nice and ProcessType; what a user's login loads; the
// other conditions of KeepAlive. launchd also makes the directory of a log, waits longer and longer before it restarts a
// job that keeps failing, and lets users switch off background items in System Settings. A property list with an
// unsupported KeepAlive is refused (109), not misunderstood.
package launchdsim
