// Command bench measures what holdfast costs: how long a service takes to be ready, to reload and to be gone, what it
// occupies, how often a SIGHUP right after exec kills it, and what a lock, a request to reload or an entry of the journal takes, how long an installation
// lasts and how long an upgrade has the service away, each beside a program or calls that do the same by hand and beside the libraries that people use instead.
//
//	go run .                   all of it, some minutes
//	go run . -rounds 10        quicker and rougher
//	go run . -only locks       one part: life, instant, locks, gate, journal or installed
//
// Contestants take turns, one after the other in every round, so that whatever else the machine does hits all of them.
// A ratio compares with the first line of its table: once the medians, once round by round ("paired": the median of the
// rounds' ratios). Whether a target is reached is told and never fails anything: a busy machine is no bug.
//
// Programs run in a fixed environment with directories of their own, once on a tmpfs, where fsync costs nothing, and
// once on a disk. Every round finds what the last one left, as after any restart; the first round is not counted.
//
// Installation and upgrade are measured by this program in a bed with systemd, which takes root and a root that is built
// (scripts/beds.sh); elsewhere a line says that they are not.
//
// Limits: Linux only.
package main
