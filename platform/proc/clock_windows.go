package proc

import (
	"time"

	"golang.org/x/sys/windows"
)

func monotonic() (time.Duration, error) { return windows.DurationSinceBoot(), nil }
