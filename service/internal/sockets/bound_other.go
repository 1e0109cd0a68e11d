//go:build !linux

package sockets

// bound: only Linux tells.
func bound(string) bool { return false }
