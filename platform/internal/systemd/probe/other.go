//go:build !linux

package main

import (
	"errors"

	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

func serve(*systemd.Notifier) error { return errors.ErrUnsupported }

func deaf(*systemd.Notifier) error { return errors.ErrUnsupported }

func reload() error { return errors.ErrUnsupported }
