package proc

import "time"

// Monotonic reads the machine's monotonic clock. Processes of the same boot can compare its
// values. Setting the wall clock does not affect it. On Linux it is CLOCK_MONOTONIC, which is
// also the clock of systemd's MONOTONIC_USEC.
func Monotonic() (time.Duration, error) { return monotonic() }

// Boottime is like Monotonic, but its clock also runs while the machine sleeps, if the system
// has such a clock. On Linux it is CLOCK_BOOTTIME. On macOS and Windows it is that of Monotonic,
// which runs on: see clock_gettime(3) there, and "Acquiring high-resolution time stamps" of
// Microsoft. FreeBSD's stops while the machine sleeps.
func Boottime() (time.Duration, error) { return boottime() }
