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
// killed behind it, the new one; and the next upgrade, rollback or list of versions
// brings the ledger up to that fact ([Engine.Recover]).
//
// # Limits
//
// The configuration is copied before the trial and never put back: it is the
// administrator's, who may have changed it meanwhile. Data is the program's own
// affair: see service.Runtime's Confirmed.
package upgrade
