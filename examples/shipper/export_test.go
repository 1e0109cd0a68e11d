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

// HealthAfter is the answer of a loop whose last turn ended so long ago.
func HealthAfter(idle time.Duration) error {
	return (&loop{begun: time.Now().Add(-idle)}).healthy(context.Background())
}

const StuckAfter = stuckAfter
