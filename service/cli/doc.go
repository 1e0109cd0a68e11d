// Package cli is the command line of a service: the same for every program made
// with holdfast, so that operators learn it once.
//
// [Main] is the whole program; [Command] is the command tree to mount into one
// that has a cobra command line of its own, wherever in it, and to add commands to.
// The host's main then ends in one line:
//
//	os.Exit(cli.Execute(root))
//
// A service that a manager keeps is driven through the manager. Where no manager
// has it, `stop`, `reload` and `status` act on whoever verifiably holds the
// singleton, be it started by hand or by something that we do not know. What
// `status` says is [state.Merge]'s.
//
// # Which program, which directories
//
// `install` names the program as it was called, made absolute: a link such as
// /opt/x/current/x stays one. Where others than root and the caller could have that
// path lead somewhere else it names the image itself, and says so. With --copy-to DIR
// it copies the image there first, whole and with mode 0755, and installs the copy:
// only into a directory to which nobody but root and the caller can lead or write.
//
// The directories are those that flags or code name, or else the platform's for
// the service's name and scope. RUNTIME_DIRECTORY and its like in the environment
// of a command are another service's and count for nothing. `uninstall --purge`
// removes the platform's with all that is in them, and lists what did not come
// from holdfast; one that a flag or code names it removes only if all in it is
// named after the service, or with --purge-foreign.
//
// # Checked before it breaks
//
// `check` says whether the service could start: see there. `install`, `start` and
// `restart` begin with the same, before they touch anything, and `reload` with what
// a reload reads; a program takes part as a [service.TableProvider] or a
// [service.Checker]. A reload that comes by a signal or by the manager is refused,
// if need be, by the service itself. `config print` is a configuration to begin with.
//
// # Upgrades
//
// `upgrade FILE` puts another version on trial and confirms it, or has the one before
// run again; `rollback` goes back by the same way, and `versions` lists what there is.
// What the manager starts is a confirmed version at all times: see the packages
// installer/trial, of which `run` is the first act, and installer/upgrade.
//
// # Signals
//
// The first SIGINT (ctrl-C) or SIGTERM ends a command in order, and has an install
// that is under way taken back; also one that waits for a file which never answers. The second one
// has its default action. `run` has signals to itself: see [service.Run].
//
// # Exit codes
//
// 0 done; 1 failed; 2 usage; 70 the program crashed; 75 already running; 77 not
// permitted; 78 bad configuration; 79 of `stop`: the service is gone, but it had to be
// forced, or a step of its stop failed. `status` follows LSB: 0 running, 1 dead but
// the PID file is there, 2 dead but other state is left, 3 not running, 4 not known,
// be it whether it runs, where it stands, or because nothing could be asked.
package cli
