//go:build unix

package kardianos

import "syscall"

// ownSession has a process outlive whoever starts it, and his terminal.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
