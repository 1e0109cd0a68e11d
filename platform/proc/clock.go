package proc

import "time"

// Monotonic reads the machine's monotonic clock: two processes of one boot can
// compare what it gave them, and setting the wall clock does not move it. On
// Linux it is CLOCK_MONOTONIC, the clock of systemd's MONOTONIC_USEC.
func Monotonic() (time.Duration, error) { return monotonic() }

// Boottime is Monotonic of a clock that goes on while the machine sleeps, as far
// as the system has one: CLOCK_BOOTTIME on Linux.
func Boottime() (time.Duration, error) { return boottime() }
