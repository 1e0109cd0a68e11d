//go:build !linux

package tell

import (
	"context"
	"errors"
)

// Reloaded does nothing, because nothing is measured here.
func Reloaded() error { return errors.ErrUnsupported }

// Counter counts nothing.
func Counter(int) func(context.Context) error {
	return func(context.Context) error { return errors.ErrUnsupported }
}
