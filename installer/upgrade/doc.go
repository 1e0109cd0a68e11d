// Package upgrade puts another version of a program in the place of the confirmed
// one, by way of a trial (package installer/trial), and back.
//
// # Files
//
// The path that the manager starts, the stable path, is a plain file and always the
// last confirmed version. All others lie beside it, in NAME.versions/VERSION-DIGEST/NAME,
// on the same file system, where only the owner of the stable path can write. A
// [Ledger] among the records of installations says which of them is which, and how
// far an upgrade has come; it is written by whoever holds the lock for it.
//
// # The one instant
//
// An upgrade is confirmed by one rename(2) over the stable path, and by nothing else.
// Killed before it, at any step, the next start of the machine runs the old version;
// killed after it, the new one; and the next upgrade, rollback or list of versions
// brings the ledger up to that fact ([Engine.Recover]).
//
// # Windows notes
//
// A program that somebody runs can be renamed there, and not replaced, and who asks for an
// upgrade by the installed program runs it. So it is two renames, the old one aside and the new
// one into its place, and between them the stable path leads to nothing. Windows offers no way to
// close that instant. A machine that goes down in it puts the new version in place when it starts,
// before it starts services. A conductor that is killed in it alone is made up for by the command that waits
// for it, or else by the next command, called by the path of any version; until then a service that
// runs goes on, and one that ends cannot be started.
//
// The process that the manager has started is of the version before until the service is
// restarted, which an upgrade does once it is confirmed ([Status].Kept). So the service is away
// twice: for the trial, and for that.
//
// Programs tell their version and check the configuration with the rights of whoever conducts the
// upgrade: Windows lends nobody the account of a service.
//
// # Words
//
//   - candidate: the version that is on trial.
//   - confirmed: the version that the manager starts; an upgrade ends by confirming
//     the candidate, or by rolling back to what was confirmed before.
//   - to settle: to be ready and healthy for as long as the trial asks for.
//   - pinned: a version that failed its trial, and is refused from then on.
//   - conductor: the process that conducts an upgrade. It is not the command, so that
//     the upgrade goes on when the command is interrupted.
//
// # Limits
//
// The configuration is copied before the trial and never put back: it is the
// administrator's, who may have changed it meanwhile. Data is the program's own
// affair: see service.Runtime's Confirmed.
package upgrade
