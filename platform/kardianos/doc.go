// Package kardianos has programs that are written for github.com/kardianos/service
// live by holdfast. One line does it, in main before anything else or in an init:
//
//	kardianos.Adopt()
//
// The program keeps its code: its Interface and Config, New, Control, Logger,
// Interactive, Platform, ChosenSystem, and what it prints and returns. It gets a
// definition that is escaped rightly and installed whole or not at all, a manager that
// knows when it is ready, a stop with a time limit, and a process that is known by more
// than its number.
//
// # What stays
//
// The command line is the program's: the definition starts Executable with Arguments,
// and nothing else. What holdfast itself needs as a process is reached by a variable of
// the environment, in [Adopt], which does not return then. So Adopt comes before the
// program reads its flags.
//
// Hardening is off, the umask is 0022, and a service that ends is started again as that
// library has it: on systemd always, after two minutes, on SysV never, on Windows as
// OnFailure says. Two may run side by side, unless the option Singleton is true.
// SIGHUP and SIGUSR1 are the program's own; a SIGHUP does not kill one that has no handler.
// The program may send its own READY=1, keep its own PID file, and call os.Exit in its
// Stop, which is a clean end.
//
// A definition that the library itself has installed, and that names this program, is
// acted on as the library does. Install brings it over, after showing what changes.
// One from a custom template is installed as it comes out of the template.
//
// # Options
//
// All of that library's are honoured, or refused by name at Install where leaving one
// out would be unsafe. One that nobody knows, or of a wrong type, is named in a warning on
// standard error. These are added, each a key of Config.Option:
//
//	Singleton     bool (false)      a second one is refused
//	StartTimeout  string ("1m30s")  how long Start may take
//	StopTimeout   string ("1m20s")  how long Stop may take; the manager kills 10 s later
//	Hardening     bool (false)      all of holdfast's hardening
//	PasswordFile  string            on Windows: has the password of UserName, which then is in no program
//
// # Where nothing else keeps a service
//
// The other way round [Fallback] has a program of holdfast's own, which has cli.Main and a
// service.Program, be kept by that library where the machine is run by what holdfast has no
// manager for: FreeBSD's rc.d (freebsd), SMF (smf), the SRC of AIX (src), upstart, procd and
// BusyBox's rcS (rcs), the names being those for --manager. The program needs one line,
//
//	cfg.Fallback = kardianos.Fallback()
//
// and install, uninstall, start, stop, restart, reload, status and logs do as elsewhere; the
// definition starts exactly `PROGRAM run` with its flags. Run itself lives there as by hand:
// one instance, a PID file, signals, an ordered stop. What a service goes without there,
// status and install say, and FALLBACK.md in this directory lists with the settings that are
// refused: the init knows of no readiness, hardening, limits or account.
//
// Install and uninstall are steps of holdfast's transaction, taken back as others are. A
// script of somebody else is neither replaced nor acted on. For SMF the manifest is ours, as
// the library's starts a program without its arguments.
//
// rcS is proven with BusyBox's init as process 1; procd and upstart with stand-ins that run
// what the library installs; FreeBSD's script is read by a shell; SMF and the SRC are by the
// library's source and the manual pages alone.
//
// # Limits
//
// A service whose name holdfast does not take (platform.CheckName), and an init system
// that it has no manager for, are left to the library.
package kardianos
