package proc

import (
	"fmt"
	"math"
	"time"
)

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
