//go:build unix

package supervise

// BackOff is the wait before a restart.
var BackOff = backOff
