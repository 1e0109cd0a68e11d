// Package cli is the command line of a service: the same for every program made
// with holdfast, so that operators learn it once.
//
// [Main] is the whole program; [Command] is the command tree to mount into one
// that has a cobra command line of its own.
//
// A service that a manager keeps is driven through the manager. Where no manager
// has it, `stop`, `reload` and `status` act on whoever verifiably holds the
// singleton, be it started by hand or by something that we do not know.
//
// # Exit codes
//
// 0 done; 1 failed; 2 usage; 70 the program crashed; 75 already running; 77 not
// permitted; 78 bad configuration. `status` follows LSB: 0 running, 1 dead but
// the PID file is there, 2 dead but other state is left, 3 not running, 4 unknown.
package cli
