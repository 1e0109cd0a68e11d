//go:build !unix

package systemd

func inherited(int) bool { return false }
