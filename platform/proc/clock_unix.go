//go:build unix

package proc

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

func monotonic() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0, fmt.Errorf("monotonic clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}
