package kardianos

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// ownSession has a process outlive whoever starts it, and his console.
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
