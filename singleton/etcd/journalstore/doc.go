// Package journalstore keeps a journal of interrupted work in etcd, so that the work survives
// the machine on which it was begun: the next leader continues it.
//
//	func (p *program) Start(ctx context.Context, rt *service.Runtime) error {
//		store, err := journalstore.Open(ctx, rt.Term(), journalstore.Options{})
//		if err != nil {
//			return err
//		}
//		j, err := journal.Open(rt, journal.Options{Store: store, MaxBytes: 64 << 20})
//
// # Guarantees
//
// Each transaction is one of etcd's, on the condition that the leader's key still has its
// create revision and that nobody else has written meanwhile. A former leader can write
// nothing, however long it was paused. It can read nothing either once its term's deadline is
// past, so that it renews no lease of a worker whose run the next leader has taken back.
//
// A transaction with more changes than etcd takes at once is first laid down in pieces, and
// one more transaction makes all of them valid. If the leader dies in between, the next one
// finishes it, or drops what never became valid.
//
// While etcd cannot be reached, a transaction is tried again until its outcome is certain. That
// ends with the term: at most half of its time to live later. The error then wraps
// [journal.ErrUnknown]. Callers of a journal that wait no longer than their context get the
// same error.
//
// # Limits
//
// The leader keeps all entries in memory, and reads them once, when its term begins. Etcd is
// made for small data: set [journal.Options.MaxBytes] to some tens of MiB, and keep it far
// below etcd's quota. Etcd itself keeps all old versions until it is compacted, which nobody
// but its administrator may do, since it is one history for all of etcd's users: run it with
// --auto-compaction-retention.
//
// A child process of the leader's machine ([journal.Journal.Child]) cannot be adopted by
// another machine. Programs on several machines give their work to workers, with leases.
package journalstore
