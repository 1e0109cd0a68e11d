//go:build !linux

package proc

import (
	"errors"
	"time"
)

func age(Identity) (time.Duration, error) { return 0, errors.ErrUnsupported }
