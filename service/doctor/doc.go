// Package doctor names what is wrong with a service: the cause in one sentence, and the fix in
// one command.
//
// It is pure. Its caller (package service/cli) gathers [Facts] from the machine, and [Examine]
// judges them by rules. Nothing here reads a file, asks a manager or looks at a clock. What
// could not be seen is a fact of its own ([Facts.Unseen]). It leads to a note, and never to a
// false alarm.
//
// A finding has one of three severities. An [Error] keeps the service from serving now, or
// from its next start. A [Warning] will cause trouble at the next occasion: a reboot, a full
// disk, a second failure. A [Note] is worth knowing, and nothing has to be done.
//
// Some findings are consequences of others: a service does not run because its configuration
// is bad. A rule says which findings it explains. Those follow their cause in the report, and
// the cause is as grave as the worst of them.
//
// The ids of findings are stable: scripts may compare them. They are, by check:
//
//	process:       lock-unnamed, pid-file-left, pid-file-wrong, state-file-missing, not-answering,
//	               started-by-hand, other-process, socket-closed, stop-overdue, supervisor-gone
//	run:           failed, gave-up, restart-loop, not-running, last-run-unclean, last-run-unreadable, health-failing,
//	               reload-failed
//	manager:       no-manager, manager-silent, masked, not-startable, disabled, misplaced, manager-disagrees,
//	               login-only, manager-lesser, socket-failed, socket-disabled
//	definition:    not-installed, definition-foreign, definition-broken, definition-outdated,
//	               definition-unread, definition-unfit, definition-overridden, kill-timeout-short, restart-due,
//	               reload-due, other-manager, other-scope, initd-leftover, install-interrupted,
//	               record-unreadable
//	program:       program-gone, program-newer, program-closed, program-writable
//	configuration: config-bad, config-closed, config-writable, account-missing, directory-needed, config-warning
//	directories:   directory-missing, directory-owner, directory-mode, directory-open
//	machine:       disk-full, disk-low, inodes-full, inodes-low, read-only, clock-behind, clock-jumped,
//	               files-nearly-used, memory-nearly-used, tasks-nearly-used
//	log:           log-unreachable, hardening-denial, port-privileged, port-in-use
//	work:          journal-refused, journal-aside, journal-damaged, work-set-aside, work-interrupted
//	upgrade:       upgrade-on-trial, upgrade-rolled-back, upgrade-interrupted
//	alarms:        alarm-undelivered
//	sight:         unseen
package doctor
