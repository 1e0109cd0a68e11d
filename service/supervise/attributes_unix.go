//go:build unix && !linux

package supervise

import "syscall"

// attributes puts the child into a process group of its own, see the one for Linux.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
