// Command bench measures what holdfast costs: how long a service takes to become ready, to
// reload and to stop, how much memory it uses, how often a SIGHUP right after exec kills it,
// how long a refusal and a start after kill -9 take, how many page faults and how much
// processor time a life has, how large a program is, how long a lock, a reload request or an
// entry of the journal takes, how long an installation takes, and for how long an upgrade
// interrupts the service. Each is compared with a program or with calls that do the same by
// hand, and with the libraries that people use instead.
//
//	go run .                   all of it, some minutes
//	go run . -rounds 10        quicker and rougher
//	go run . -only locks       one part: life, instant, locks, gate, journal or installed
//	go run . -record v1.2.3    also keeps the ratios in history, where a release adds a line
//
// Contestants take turns in every round, so that other load on the machine affects all of
// them. A ratio compares with the first line of its table, once for the medians and once round
// by round ("paired": the median of the rounds' ratios). The output says whether a target is
// reached, but missing it is no failure: a busy machine is no bug.
//
// Programs run in a fixed environment with directories of their own, once on a tmpfs, where
// fsync costs nothing, and once on a disk. Every round finds the files of the previous one, as
// after any restart. The first round is not counted.
//
// Installation and upgrade are measured by this program in a bed with systemd, which needs
// root and a built root (scripts/beds.sh). Otherwise a line says that they are missing.
//
// Limits: Linux only.
package main
