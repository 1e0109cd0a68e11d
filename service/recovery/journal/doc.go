// Package journal records work in progress, so that a crash loses none of it.
//
// A program opens the journal with [Open]. [Journal.Begin] returns once the work is recorded,
// [Journal.Checkpoint] saves what a rerun needs, and [Journal.Finish] records the end. Work
// may begin without being finished because the process was killed, the machine lost power, or
// a worker fell silent ([Work.Lease]). [Journal.Next] returns such work once, in order, with
// its original parameters, when the program is ready and asks for it.
//
// # Guarantees
//
// Work that was begun with [Work.Rerun] and is not finished runs again, so it runs at least
// once. It may already have had all its effects: the process may die between the last effect
// and Finish. Effects that must happen exactly once need the idempotency key ([Entry.Key],
// which is the same in every rerun) at the place where they happen, or a checkpoint that is
// written there in the same transaction.
//
// Work does not run again if it was aborted by hand, timed out or failed by itself. Work that
// was begun without Rerun is listed as interrupted, and can be rerun by hand. Work that was in
// progress in [Options.MaxCrashes] crashes is set aside: it is listed and kept, and only
// released by hand. Ordered stops and upgrades are no crashes. A power cut counts as one,
// because it cannot be told from work that brings the machine down.
//
// A child process that outlives the service ([Journal.Child]) is adopted, and its work is not
// begun again. If the child has ended meanwhile, [Options.Collect] may know the outcome. A
// child of an earlier boot of the machine has ended.
//
// # Terms
//
// Each entry has the number of the run that wrote it last. Once a later run has opened the
// journal, that of an earlier run cannot write any more, even if that run was only paused:
// [ErrSuperseded].
//
// # Damaged files
//
// A file that is damaged, truncated or somebody else's is renamed, never removed, and a new
// one is begun. [Journal.SetAside] returns its new name, and the log has an error.
//
// A file with a newer format, one that cannot be written and one that another process has
// locked stay as they are. Open then returns a journal whose methods fail with the error that
// [Journal.Refused] returns, so that the program can serve without it. On Unix a file that an
// earlier run still has locked, because it hangs, is copied and replaced.
//
// # Limits
//
// One process uses a journal at a time; commands send requests to it ([Ask]) through files
// beside the journal. The parameters and the checkpoint of an entry together have at most
// [MaxPayload] bytes.
package journal
