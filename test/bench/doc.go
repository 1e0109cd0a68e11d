// Command bench measures what holdfast costs. Each number is compared with a program or with
// calls that do the same by hand, and with the libraries that people use instead, and has its
// limit beside it.
//
//	go run .                   all of it, an hour
//	go run . -rounds 10        quicker and rougher
//	go run . -only locks,log   some parts
//	go run . -record v1.2.3    also adds the ratios to history/history.jsonl, one line a release,
//	                           which may be measured in parts: -only life,size -record v1.2.3
//
// The parts are:
//
//	life       how long a start, a reload, a stop, a refusal and a start after kill -9 take; memory,
//	           processor time and page faults
//	instant    how often a SIGHUP right after exec kills the program
//	size       how large programs are
//	together   the start of 200 instances at once
//	held       how starts and refusals depend on the locks that others hold, up to 10,000
//	idle       how often an idle program wakes up in a minute
//	health     the processor time of a health check
//	log        lines of a log to a file, as text and as JSON
//	deaf       whether a log that nobody reads delays a stop
//	locks      the singleton
//	journal    the journal of work
//	gate       a reload request
//	accept     connections to a socket of the configuration, beside net.Listen
//	installed  on systemd: install and uninstall, status, a reload by command, lines to the journal
//	upgrade    on systemd: for how long an upgrade interrupts the service
//	restart    on systemd: how long a connection waits over a restart, beside a socket unit and
//	           tableflip
//	fleet      on systemd: status of 1000 services
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
// An installed service is measured by this program in a bed with systemd, which needs root and
// a built root (scripts/beds.sh). Otherwise a line says that it is missing.
//
// Limits: Linux only.
package main
