//go:build unix && !linux

package files_test

import (
	"errors"
	"testing"
)

func lease(*testing.T, string) error { return errors.ErrUnsupported }
