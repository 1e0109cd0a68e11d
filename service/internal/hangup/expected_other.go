//go:build !unix

package hangup

// expected returns false: no SIGHUP kills processes here.
func expected() bool { return false }
