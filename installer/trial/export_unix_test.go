//go:build unix

package trial

// Exec executes path in this process, with its arguments.
var Exec = exec
