//go:build !linux

package systemd

import (
	"os"

	"github.com/holdfast-dev/holdfast/platform"
)

type socket struct{}

func (*socket) send(string, []byte) error { return platform.ErrUnsupported }

func (*socket) wait(string, []byte) error { return platform.ErrUnsupported }

func (*socket) sendFile(string, []byte, *os.File) error { return platform.ErrUnsupported }

func (*socket) close() error { return nil }
