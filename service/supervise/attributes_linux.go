package supervise

import "syscall"

// attributes has the child asked to stop when its supervisor is killed, and puts
// it into a process group of its own: what a terminal sends to all of a group
// would reach it twice, and a second request to stop means at once.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
