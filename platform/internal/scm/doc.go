// Package scm registers services with the Windows service control manager (SCM), controls them
// through it, and provides the Host of a process that the SCM started.
//
// [Render] and [Manager] are portable: they work on every operating system, for any database
// behind [Machine]. So is the decision what a [Host] reports and when. Only the calls
// themselves have build constraints.
//
// # Registrations
//
// A service has a process of its own. It starts delayed at boot, unless [platform.Windows]
// says otherwise. The path of its program is always quoted (CWE-428). It runs as LocalSystem,
// unless the unit names an account. Besides that account it has the identity "NT
// SERVICE\name", which gets access to the directories in %ProgramData%. Our own data are under
// the service's registry key: Parameters, and the unit's variables in Environment. Every user
// may read them there, so they must not contain secrets.
//
// # Exit codes
//
// Recovery actions do not distinguish exit codes: they follow every Win32 exit code but 0. So
// a process reports STOPPED with Win32 code 0 if the restart policy does not call for a
// restart (75, 77, 78, or a stop that the SCM requested), and with 1066
// (ERROR_SERVICE_SPECIFIC_ERROR) if it does. In both cases it also reports the original code:
// the SCM keeps dwServiceSpecificExitCode with any Win32 code, `sc query` shows it, and
// [Manager.Status] reads it.
//
// # Limits
//
// A unit's After and Requires are the same here: a dependency of the SCM, which orders and
// requires. The SCM counts failures until there has been none for the window. So it gives up
// no later than the restart policy says, and stays down for longer.
//
// Services of one user are not supported: Windows clones them from templates. Settings for
// which the SCM has no means (umask, groups, limits, a working directory) are refused, and the
// hardening switches are left out. A service that is starting accepts no stop (docs:
// ControlService), so Stop waits until it does.
//
// The process of a service is the one that the SCM itself starts. If another program starts
// it, such as a debugger from Image File Execution Options, it counts as started by hand, and
// the SCM gives up on it.
//
// # Tests
//
// The calls, the states and the exit codes have been tested with Wine's SCM. That executes no
// recovery actions, forgets recovery flags and service SIDs, does not read Environment (a
// [Host] then sets the variables itself), and sends no session or power events. These features
// are tested against Microsoft's documentation, and on Windows by the workflow.
package scm
