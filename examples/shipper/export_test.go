package main

import (
	"context"
	"time"
)

var (
	Main        = main
	Description = description
)

type (
	Program = program
	Config  = config
)

// HealthAfter returns the health of a loop whose last turn ended that long ago.
func HealthAfter(idle time.Duration) error {
	return (&loop{begun: time.Now().Add(-idle)}).healthy(context.Background())
}

const StuckAfter = stuckAfter
