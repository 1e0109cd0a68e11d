// Package kardianos runs programs that are written for github.com/kardianos/service on
// holdfast. One line does it, in main before anything else or in an init function:
//
//	kardianos.Adopt()
//
// The program keeps its code: its Interface and Config, New, Control, Logger, Interactive,
// Platform, ChosenSystem, and what it prints and returns. It gets a definition that is escaped
// correctly and installed completely or not at all, a manager that knows when it is ready, a
// stop with a time limit, and a process that is identified by more than its number.
//
// # What does not change
//
// The command line belongs to the program: the definition starts Executable with Arguments,
// and nothing else. Commands that holdfast needs as processes are selected by an environment
// variable. [Adopt] runs them and does not return then. So it must be called before the
// program reads its flags.
//
// Hardening is off, the umask is 0022, and a service that ends is restarted as with the
// library: on systemd always, after two minutes; on SysV never; on Windows according to
// OnFailure. Two instances may run at the same time, unless the option Singleton is true.
// SIGHUP and SIGUSR1 are left to the program; a SIGHUP does not kill a program without a
// handler. The program may send its own READY=1, keep its own PID file, and call os.Exit in
// its Stop, which counts as a clean end.
//
// A definition that the library itself has installed for this program can be controlled as
// before. Install replaces it, after showing what changes. A definition from a custom template
// is installed exactly as the template renders it.
//
// # Options
//
// All options of the library are honoured, or refused by name at Install if ignoring them
// would be unsafe. An unknown option, or one of a wrong type, is named in a warning on
// standard error. There are additional options, all of them keys of Config.Option:
//
//	Singleton     bool (false)      a second instance is refused
//	StartTimeout  string ("1m30s")  how long Start may take
//	StopTimeout   string ("1m20s")  how long Stop may take; the manager kills 10 s later
//	Hardening     bool (false)      all of holdfast's hardening
//	PasswordFile  string            on Windows: has the password of UserName, which then is in no program
//
// # The library as a fallback
//
// [Fallback] works in the other direction. With it, a program of holdfast's own, which has
// cli.Main and a service.Program, is managed by the library on machines for which holdfast has
// no manager: FreeBSD's rc.d (freebsd), SMF (smf), the SRC of AIX (src), upstart, procd and
// BusyBox's rcS (rcs). These are the names for --manager. The program needs one line,
//
//	cfg.Fallback = kardianos.Fallback()
//
// and install, uninstall, start, stop, restart, reload, status and logs work as elsewhere. The
// definition starts exactly `PROGRAM run` with its flags. Run works as if it were started by
// hand: one instance, a PID file, signals, an ordered stop. These inits have no readiness,
// hardening, limits or accounts. status and install say what a service lacks, and FALLBACK.md
// in this directory lists it, together with the settings that are refused.
//
// Install and uninstall are steps of holdfast's transaction, and are undone like others. A
// script that holdfast did not make is neither replaced nor controlled. For SMF the manifest
// is ours, because the library's starts a program without its arguments.
//
// rcS has been tested with BusyBox's init as process 1, and procd and upstart with stand-ins
// that run what the library installs. FreeBSD's script is parsed by a shell. SMF and the SRC
// follow only the library's source and the manual pages.
//
// # Limits
//
// A service with a name that holdfast does not accept (platform.CheckName) is left to the
// library, and so are init systems for which holdfast has no manager.
package kardianos
