// Package cli is the command line of a service. It is the same for every program made with
// holdfast, so that operators learn it once.
//
// [Main] is the whole program. [Command] is the command tree for a program that has its own
// cobra command line: mount it anywhere in that tree, and add commands to it. The host's main
// then ends with one line:
//
//	os.Exit(cli.Execute(root))
//
// A service under a manager is controlled through the manager. If no manager has the service,
// `stop`, `reload` and `status` act on the verified holder of the singleton, whether it was
// started by hand or by something unknown. `status` reports the result of [state.Merge].
//
// # Which program, which directories
//
// `install` uses the path by which the program was called, made absolute. A link such as
// /opt/x/current/x stays a link. If users other than root and the caller could make that path
// lead somewhere else, `install` uses the path of the image itself, and says so. With
// --copy-to DIR it first copies the whole image there with mode 0755, and installs the copy.
// It accepts only a directory that nobody but root and the caller can redirect or write to.
//
// The directories are those that flags or code name, or else the default ones of the platform
// for the name and scope of the service. RUNTIME_DIRECTORY and similar variables in the
// environment of a command belong to another service and are ignored. `uninstall --purge`
// removes the default directories with everything in them, and lists what did not come from
// holdfast. It removes a directory that a flag or code names only if everything in it is named
// after the service, or with --purge-foreign.
//
// # Checked before it breaks
//
// `check` says whether the service could start. `install`, `start` and `restart` begin with
// the same checks before they change anything, and `reload` begins with those that concern a
// reload. A program takes part as a [service.TableProvider] or a [service.Checker]. If a
// signal or the manager requests the reload, the service itself refuses a bad configuration.
// `config print` prints a configuration to begin with.
//
// # Upgrades
//
// `upgrade FILE` puts another version on trial. Then it confirms that version, or returns to
// the previous one. `rollback` goes back in the same way, and `versions` lists what there is.
// The manager starts a confirmed version at all times: see the packages installer/trial, which
// `run` calls first, and installer/upgrade.
//
// # Signals
//
// The first SIGINT (ctrl-C) or SIGTERM ends a command in order, and rolls back an install that
// is in progress. This also works for a command that waits for a file which never answers. A
// second signal has its default action. `run` handles signals itself: see [service.Run].
//
// # Exit codes
//
// 0 done; 1 failed; 2 usage; 70 the program crashed; 75 already running; 77 not permitted; 78
// bad configuration; 79 from `stop`: the service has ended, but it had to be killed, or a step
// of its stop failed. `status` follows LSB: 0 running; 1 dead, but the PID file exists; 2
// dead, but other state is left; 3 not running; 4 not known. Code 4 means that it is not known
// whether the service runs or serves, or that nothing could be asked.
package cli
