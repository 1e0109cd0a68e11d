// Package upgrade replaces the confirmed version of a program by another one after a trial
// (package installer/trial), and can roll that back.
//
// # Files
//
// The manager starts the program at the stable path. This is a regular file, and always the
// last confirmed version. All other versions lie beside it, in
// NAME.versions/VERSION-DIGEST/NAME, on the same file system. Only the owner of the stable
// path can write there. A [Ledger] among the records of installations says which version is
// which, and how far an upgrade has come. It is written by the holder of its lock.
//
// # The moment of confirmation
//
// An upgrade is confirmed by one rename(2) over the stable path, and by nothing else. If the
// conductor is killed before it, in any step, the machine runs the old version after its next
// start. If it is killed later, the machine runs the new one. The next upgrade, rollback or
// list of versions adapts the ledger to that fact ([Engine.Recover]).
//
// # Windows notes
//
// Windows can rename a running program, but not replace it, and a user who requests an upgrade
// through the installed program runs it. So there are two renames: the old program is moved
// aside, and the new one is moved to the stable path. Between them nothing is at the stable
// path; Windows offers no way to avoid that. If the machine loses power at this moment, it
// renames the new version when it boots, before it starts services. If only the conductor is
// killed, the command that waits for it repairs the path. If that is gone too, the next
// command does so, run from the path of any version. Until then a running service goes on, but
// one that ends cannot be started.
//
// The process that the manager has started runs the previous version until the service is
// restarted. An upgrade restarts it after the confirmation ([Status].Kept). So the service is
// down twice: for the trial, and for this restart.
//
// Programs report their version and check the configuration with the rights of the conductor,
// because Windows does not let others use the account of a service.
//
// # Terms
//
//   - candidate: the version that is on trial.
//   - confirmed: the version that the manager starts. An upgrade ends when the candidate is
//     confirmed, or by a rollback to the version that was confirmed before.
//   - to settle: to be ready and healthy for as long as the trial requires.
//   - pinned: a version that has failed its trial, and is refused from then on.
//   - conductor: the process that conducts an upgrade. It is not the command, so the upgrade
//     goes on when the command is interrupted.
//
// # Limits
//
// The configuration is copied before the trial, and never restored: it belongs to the
// administrator, who may have changed it meanwhile. The program has to take care of its own
// data: see service.Runtime's Confirmed.
package upgrade
