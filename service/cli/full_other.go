//go:build !linux && !darwin && !freebsd

package cli

func full(string) bool { return false }
