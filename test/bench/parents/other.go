//go:build !linux

package main

import (
	"errors"
	"fmt"
)

func measure(settings) error {
	return fmt.Errorf("signals and /proc as Linux has them: %w", errors.ErrUnsupported)
}
