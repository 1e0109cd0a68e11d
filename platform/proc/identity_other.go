//go:build !linux && !darwin && !windows

package proc

import (
	"errors"
	"fmt"
)

func identify(int) (Identity, error) { return Identity{}, errUnsupported }

func surroundings() (Identity, error) { return Identity{}, errUnsupported }

var errUnsupported = fmt.Errorf("process identity on this system: %w", errors.ErrUnsupported)

func owner(int) (string, error) { return "", errUnsupported }

func unreaped(Identity) bool { return false }
