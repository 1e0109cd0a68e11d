package sysv

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

func badName(id platform.ID, why string) error {
	return fmt.Errorf("name %q: %s: %w", id.String(), why, platform.ErrBadUnit)
}
