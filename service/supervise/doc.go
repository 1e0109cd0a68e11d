// Package supervise starts the process of a service if the manager is only a script. It sets
// the user and the limits, and restarts the process when it has ended.
//
// [Spawn] is the last step of a start: it turns the process that the script has started into
// the service. [Parent] is the supervisor behind supervise = true in [service]. It stays, runs
// the service as its child and restarts it according to the restart policy. Both are hidden
// commands in the command line of every program. The scripts of platform/internal/sysv and
// platform/internal/openrc call them.
//
// # Linux notes
//
// If a supervisor is killed, its child stops in order: the kernel sends it SIGTERM
// (PR_SET_PDEATHSIG, see prctl(2)).
//
// # Other systems
//
// On other Unix systems, the child of a killed supervisor goes on alone. It is still the only
// instance, and is found and stopped like one that was started by hand. Windows needs neither
// command, and both return errors.ErrUnsupported there.
package supervise
