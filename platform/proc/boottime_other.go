//go:build !linux

package proc

import "time"

func boottime() (time.Duration, error) { return monotonic() }
