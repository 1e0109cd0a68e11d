//go:build !windows

package cli

// privileged says how to act with all rights.
const privileged = "as root"

// isPrivileged reports true: this user may change everything in its Scope.
func isPrivileged() bool { return true }
