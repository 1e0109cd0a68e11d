// Package journal remembers work that is under way, so that a crash loses none of it.
//
// A program that opens it with [Open] has what it begins written down before [Journal.Begin]
// returns, saves on the way what a rerun needs ([Journal.Checkpoint]), and has the end written
// down ([Journal.Finish]). What was begun and not finished when the process was killed, the
// machine lost power, or a worker fell silent ([Work.Lease]) comes back from [Journal.Next]:
// once, in order, with the parameters it was begun with, when the program is ready and asks.
//
// # What is promised
//
// Work that was begun with [Work.Rerun] and is not finished is run again, so it runs at
// least once. It may have had all its effects already: the process may die between the last
// of them and Finish. Effects that must happen exactly once need the idempotency key
// ([Entry.Key], the same in every rerun) where they happen, or a checkpoint that is written
// in one transaction with them there.
//
// Not run again is what was aborted by hand, timed out or failed by itself, and what was begun
// without Rerun; it is listed as interrupted and can be rerun by hand. Work that was under way
// in [Options.MaxCrashes] crashes is set aside: listed, kept, and released by hand only.
// Ordered stops and upgrades are no crashes; a power cut counts as one, since nobody can
// tell it from work that brings the machine down.
//
// A child process that outlives the service ([Journal.Child]) is adopted, and not begun anew;
// of one that ended in the meantime [Options.Collect] may know the outcome; one of another
// boot of the machine has ended.
//
// # Terms
//
// Each entry carries the number of the run that wrote it last. A journal of an earlier run,
// be it one that was paused and woke up, cannot write any more as soon as a later one has
// opened it: [ErrSuperseded].
//
// # What can be wrong with the file
//
// A file that is damaged, cut off or somebody else's is renamed, never removed, and a new one
// is begun: [Journal.SetAside] names it, and the log has it as an error. One by a later version of
// the format, one that cannot be written and one that is locked by somebody else stays as
// it is: Open returns a journal all the same, which says why ([Journal.Refused]) and whose
// methods fail with that error, so that the program can serve without. On Unix a file
// that an earlier run still has locked, because it hangs, is copied and replaced.
//
// # Limits
//
// One process at a time; commands ask it ([Ask]) through files beside the journal.
// Parameters and checkpoint together take at most [MaxPayload] bytes an entry.
package journal
