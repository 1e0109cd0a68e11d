//go:build !linux

package systemd

import (
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

type socket struct{}

func (*socket) send(string, []byte) error { return platform.ErrUnsupported }

func (*socket) wait(string, []byte) error { return platform.ErrUnsupported }

func (*socket) close() error { return nil }

func monotonic() time.Duration { return 0 }
