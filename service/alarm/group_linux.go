package alarm

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// confine has the kernel kill the command when this thread ends, and so when the service
// is killed (prctl(2), PR_SET_PDEATHSIG), and keeps from it the capabilities that this
// thread would hand on; root has them anyway.
func confine(attr *syscall.SysProcAttr) {
	attr.Pdeathsig = syscall.SIGKILL
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // there are none before 4.3
}

// onFirstThread reports whether the caller is on the thread whose children are, where this process is
// a reaper of orphans (prctl(2), PR_SET_CHILD_SUBREAPER; process 1), taken for those, and waited for
// by somebody else: package service/wrap does.
func onFirstThread() bool { return unix.Gettid() == os.Getpid() }

// wait calls over when the command has ended, while it is a zombie: so its number, which
// is the group's, is nobody else's.
func (g group) wait(cmd *exec.Cmd, over func()) error {
	for {
		err := unix.Waitid(unix.P_PID, int(g), nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR { //nolint:errorlint // a system call's own
			break
		}
	}
	over()
	return cmd.Wait()
}
