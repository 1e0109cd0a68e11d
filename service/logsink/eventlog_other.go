//go:build !windows

package logsink

import (
	"errors"
	"fmt"
)

func openEventLog(string) (reportEvent, func() error, error) {
	return nil, nil, fmt.Errorf("the Event Log: %w on this system", errors.ErrUnsupported)
}

// obeysEscapes returns true: terminals of other systems obey escape sequences.
func obeysEscapes(uintptr) bool { return true }
