//go:build !unix && !windows

package singleton

import (
	"errors"
	"fmt"
)

// Lock is a name that is held.
type Lock struct{}

func acquire(o Options) (*Lock, error) {
	return nil, fmt.Errorf("single instance of %q: %w", o.Name, errors.ErrUnsupported)
}

func probe(o Options) (Holder, error) {
	return Holder{}, fmt.Errorf("single instance of %q: %w", o.Name, errors.ErrUnsupported)
}

// Holder is what a refused process is told of us.
func (*Lock) Holder() Holder { return Holder{} }

// Release gives the name up.
func (*Lock) Release() error { return nil }

// Abandon holds the name until the process ends.
func (*Lock) Abandon() error { return nil }

// Check puts altered files right.
func (*Lock) Check() []error { return nil }
