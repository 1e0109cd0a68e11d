package supervise

import "syscall"

// attributes sends the child SIGTERM when its supervisor is killed, and puts it into its own
// process group. A terminal signals the whole group, and the supervisor passes signals on: the
// child would get each signal twice, and a second stop request means "at once".
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
