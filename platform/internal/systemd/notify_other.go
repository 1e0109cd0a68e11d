//go:build !linux

package systemd

import "github.com/holdfast-dev/holdfast/platform"

type socket struct{}

func (*socket) send(string, []byte) error { return platform.ErrUnsupported }

func (*socket) wait(string, []byte) error { return platform.ErrUnsupported }

func (*socket) close() error { return nil }
