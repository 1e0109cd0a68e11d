//go:build unix && !linux

package supervise

import "syscall"

// attributes puts the child into its own process group, for the reason that
// attributes_linux.go gives.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
