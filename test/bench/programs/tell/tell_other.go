//go:build !linux

package tell

import "errors"

// Reloaded does nothing, because nothing is measured here.
func Reloaded() error { return errors.ErrUnsupported }
