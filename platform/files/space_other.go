//go:build !linux && !darwin && !freebsd && !windows

package files

import "errors"

func spaceOf(string) (Space, error) { return Space{}, errors.ErrUnsupported }
