// Package scm registers services with the Windows service control manager (SCM),
// drives them through it, and is the Host of a process that it started.
//
// [Render] and [Manager] are portable: they work on every operating system, with
// whatever database stands behind [Machine]; so is what a [Host] reports and
// when. Only the calls themselves are behind build constraints.
//
// # What the SCM is told
//
// A service of its own process, started delayed at boot unless [platform.Windows]
// says otherwise; with the program's path
// always quoted (CWE-428); under LocalSystem unless the unit names an account
// that has no password; with the identity "NT SERVICE\name" beside that of the
// account, for which the directories in %ProgramData% are opened. Texts of ours
// lie under the service's registry key: Parameters, and in Environment the
// variables of the unit. Every user may read them there: secrets belong elsewhere.
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
// After and Requires of a unit are one thing here: a dependency, which orders and
// requires. The SCM counts failures until there was none for the window, so it
// gives up no later than the restart policy says, and stays so for longer.
//
// There are no services of one user here: Windows clones them from templates.
// What the SCM has no means for (umask, groups, limits, a working directory,
// accounts with a password) is refused; hardening switches that take something away have
// no counterpart and are left out. A service that is starting accepts no stop
// (docs: ControlService): Stop waits until it does.
//
// A service is a process that the SCM starts itself: one that comes by way of
// another program, such as a debugger that Image File Execution Options put before
// it, is taken for one that was started by hand, and the SCM gives up on it.
//
// # What was proven where
//
// The calls, the states and the exit codes were seen to work on Wine's SCM. It
// executes no recovery actions, forgets recovery flags and service SIDs, reads no
// Environment (a [Host] then sets the variables itself), and sends no session or
// power events: these are tested against what Microsoft documents, and on Windows
// by the workflow.
package scm
