//go:build unix

package supervise

// BackOff returns the wait before a restart.
var BackOff = backOff
