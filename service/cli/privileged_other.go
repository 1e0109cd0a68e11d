//go:build !windows

package cli

// privileged is how somebody acts who may do anything.
const privileged = "as root"
