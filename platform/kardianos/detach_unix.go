//go:build unix

package kardianos

import "syscall"

// ownSession makes a process outlive its parent and the terminal.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
