//go:build linux && !amd64

package etcd_test

import (
	"errors"
	"time"
)

func stepWall(time.Duration) {}

func ownWall() error { return errors.ErrUnsupported }
