//go:build unix && !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package sockets

import "errors"

func reusePort(int) error { return errors.ErrUnsupported }
