//go:build !linux

package sockets

import "github.com/holdfast-dev/holdfast/platform"

func holders(platform.SocketAddress) []Holder { return nil }
