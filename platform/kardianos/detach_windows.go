package kardianos

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// ownSession makes a process outlive its parent and the console.
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}
