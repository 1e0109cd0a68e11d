package alarm

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// confine makes the kernel kill the command when this thread ends, and therefore also when the
// service is killed (prctl(2), PR_SET_PDEATHSIG). It also clears the ambient capabilities that
// this thread would pass on; root has them anyway.
func confine(attr *syscall.SysProcAttr) {
	attr.Pdeathsig = syscall.SIGKILL
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // Linux before 4.3 has none
}

// onFirstThread reports whether the caller is on the main thread. If this process is a reaper
// of orphans (prctl(2), PR_SET_CHILD_SUBREAPER; process 1), as with package service/wrap, the
// children of that thread are taken for orphans, and another goroutine waits for them.
func onFirstThread() bool { return unix.Gettid() == os.Getpid() }

// wait calls over when the command has ended but is still a zombie. Until then nobody else can
// have its number, which is also that of the group.
func (g group) wait(cmd *exec.Cmd, over func()) error {
	for {
		err := unix.Waitid(unix.P_PID, int(g), nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR { //nolint:errorlint // an unwrapped errno
			break
		}
	}
	over()
	return cmd.Wait()
}
