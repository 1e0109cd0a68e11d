//go:build !linux && !darwin && !freebsd && !windows

package proc

import (
	"errors"
	"fmt"
)

func identify(int) (Identity, error) { return Identity{}, errUnsupported }

// beside is identify for a caller that knows the surroundings. It may leave out the image.
func beside(pid int, _ Identity, _ bool) (Identity, error) { return identify(pid) }

func surroundings() (Identity, error) { return Identity{}, errUnsupported }

var errUnsupported = fmt.Errorf("process identity on this system: %w", errors.ErrUnsupported)

func owner(int) (string, error) { return "", errUnsupported }

func unreaped(Identity) bool { return false }
