//go:build !unix

package hangup

// expected: there is no SIGHUP that kills.
func expected() bool { return false }
