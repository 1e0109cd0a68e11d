//go:build !unix && !windows

package kardianos

import "syscall"

func ownSession() *syscall.SysProcAttr { return nil }
