// Package tell is between the harness and the programs that it measures: what it asks of them
// by environment variables, and what they report to it.
package tell

import (
	"os"
	"strconv"
	"time"
)

// The environment variables by which the harness asks for something.
const (
	IdleVariable   = "BENCH_IDLE"
	ChecksVariable = "BENCH_CHECKS"
)

// Pace is the time between two health checks.
const Pace = time.Millisecond

// Idle reports whether the program has no work of its own.
func Idle() bool { return os.Getenv(IdleVariable) != "" }

// Checks returns the number of health checks that are measured: 0 is none.
func Checks() int {
	n, err := strconv.Atoi(os.Getenv(ChecksVariable))
	if err != nil {
		return 0
	}
	return n
}
