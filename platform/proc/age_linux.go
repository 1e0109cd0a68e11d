package proc

import (
	"fmt"
	"math"
	"time"
)

// tick is the unit of field 22 of /proc/PID/stat. USER_HZ is 100 on all architectures that Go
// supports: see proc_pid_stat(5).
const tick = 10 * time.Millisecond

func age(id Identity) (time.Duration, error) {
	here, err := surroundings()
	if err != nil {
		return 0, err
	}
	if id.Boot != here.Boot || id.Start > math.MaxInt64/uint64(tick) {
		return 0, fmt.Errorf("process %d: %w", id.PID, ErrGone)
	}
	now, err := boottime()
	if err != nil {
		return 0, err
	}
	return now - time.Duration(id.Start)*tick, nil //nolint:gosec // it was checked above
}
