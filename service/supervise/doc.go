// Package supervise starts a service's process where the manager is no more than
// a script: as the right user, with its limits, and again when it has ended.
//
// [Spawn] is the last step of a start: the process that a script has made turns
// into the service. [Parent] is the supervisor of [service] supervise = true: it
// stays, runs the service as its child and starts it again as the restart policy
// says. Both are hidden commands of every program's command line, and scripts
// made by platform/internal/sysv and platform/internal/openrc call them.
//
// # Linux notes
//
// A supervisor that is killed takes its child down in order: the child gets
// SIGTERM (PR_SET_PDEATHSIG of prctl(2)).
//
// # Other systems
//
// On other Unix systems the child of a supervisor that was killed goes on alone;
// it is still the one instance, and is found and stopped as one started by hand
// is. On Windows, which needs neither, both return errors.ErrUnsupported.
package supervise
