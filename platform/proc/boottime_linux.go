package proc

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

func boottime() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, fmt.Errorf("clock since boot: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}
