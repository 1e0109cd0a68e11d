//go:build !windows

package cli

// privileged is how somebody acts who may do anything.
const privileged = "as root"

// isPrivileged: a Scope is what this user may change.
func isPrivileged() bool { return true }
