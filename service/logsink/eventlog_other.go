//go:build !windows

package logsink

import (
	"errors"
	"fmt"
)

func openEventLog(string) (reportEvent, func() error, error) {
	return nil, nil, fmt.Errorf("the Event Log: %w on this system", errors.ErrUnsupported)
}

// Terminals do.
func obeysEscapes(uintptr) bool { return true }
