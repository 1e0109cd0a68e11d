//go:build !linux

package watch

import "errors"

type backend struct{}

func newBackend([]string, func()) *backend { return nil }

func (*backend) arm() error { return errors.ErrUnsupported }
func (*backend) close()     {}
