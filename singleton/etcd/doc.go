// Package etcd elects, with etcd, the one instance of a service that works, among those on
// several machines. It is a module of its own: nobody who does without it downloads or links
// etcd's client or gRPC.
//
//	cfg.Cluster = etcd.New() // reads [service.cluster]
//	os.Exit(cli.Main(cfg, program))
//
// # How it elects
//
// Each candidate puts a key under a lease, as etcd's own package concurrency does. The
// candidate whose key was created first leads. Each of the others watches the key before its
// own, so that the end of a term wakes one of them. The create revision of the key is the
// token of the term.
//
// The leader renews its lease three times in each time to live, and then reads its key from a
// quorum. Only both together move the deadline, to the time before the renewal was sent plus
// the time to live. If half of the time to live passes without that, the term counts as lost,
// and the other half is left for an ordered stop.
//
// # Fencing
//
// A process may be paused at any instant: between a look at [singleton.Term.Lost] and the
// write that follows, a whole term of somebody else may lie. Only the receiver of the write
// can refuse it. [Guarded] makes a transaction of etcd conditional on the term. Everything
// else has to compare the token: see docs/clusters.md.
//
// # An etcd that goes back
//
// An etcd that was restored from a snapshot continues with older revisions, and would give
// tokens that were given before. Each candidate keeps the highest revision that it saw in a
// file on its machine, and does not lead until etcd's revision is greater. A machine that was
// off, or that lost the file, cannot tell. So restore with `etcdutl snapshot restore
// --bump-revision 1000000000 --mark-compacted`.
//
// # Limits
//
// Lost is closed up to a second late when the machine wakes from sleep. The deadline is right
// at once. Clocks may step, but the machines of etcd and of the candidates have to count
// seconds of about the same length.
package etcd
