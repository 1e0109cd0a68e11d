// Package scm registers services with the Windows service control manager (SCM),
// drives them through it, and is the Host of a process that it started.
//
// [Render] and [Manager] are portable: they work on every operating system, with
// whatever database stands behind [Machine]; so is what a [Host] reports and
// when. Only the calls themselves are behind build constraints.
//
// # What the SCM is told
//
// A service of its own process, started delayed at boot; with the program's path
// always quoted (CWE-428); under LocalSystem unless the unit names an account
// that has no password; with the identity "NT SERVICE\name" beside that of the
// account, for which the directories in %ProgramData% are opened. Texts of ours
// lie under the service's registry key: Parameters, and in Environment the
// variables of the unit.
//
// # Exit codes
//
// Recovery actions are blind to codes: they follow whenever the Win32 exit code is not
// 0. So a process says STOPPED with Win32 code 0 where the restart policy does
// not have it restarted (75, 77, 78, after a stop that the SCM asked for), with
// 1066 (ERROR_SERVICE_SPECIFIC_ERROR) where it does, and with the true code beside it
// in either case: the SCM keeps dwServiceSpecificExitCode whatever the other is,
// `sc query` shows it, and [Manager.Status] reads it.
//
// # Limits
//
// There are no services of one user here: Windows clones them from templates.
// What the SCM has no means for (umask, groups, limits, a working directory,
// accounts with a password) is refused; hardening switches that take something away have
// no counterpart and are left out. A service that is starting accepts no stop
// (docs: ControlService): Stop waits until it does.
package scm
