//go:build !linux

package main

import (
	"errors"
	"os"
)

func memory() (*os.File, error) { return nil, errors.ErrUnsupported }
