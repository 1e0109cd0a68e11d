//go:build unix

package alarm

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func kept() []string {
	return []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"}
}

func privileged() bool { return os.Geteuid() == 0 }

// A group is the number of the process group of a command and everything that it starts.
type group int

// startGroup starts cmd in a process group of its own.
func startGroup(cmd *exec.Cmd) (group, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	confine(cmd.SysProcAttr)
	// Descriptors that this process has inherited would be open in the command, too. A nil
	// file in ExtraFiles closes a descriptor.
	if n := inheritable(); n > 2 {
		cmd.ExtraFiles = make([]*os.File, n-2)
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	return group(cmd.Process.Pid), nil
}

// maxInherited limits the descriptors that are closed.
const maxInherited = 1024

// inheritable returns the highest descriptor that a started program would inherit, or 2 if
// there are only the standard ones.
func inheritable() int {
	highest := 2
	all, err := os.ReadDir("/dev/fd")
	for _, x := range all {
		n, err := strconv.Atoi(x.Name())
		if err == nil && n > highest && n < maxInherited && isInherited(n) {
			highest = n
		}
	}
	if err == nil {
		return highest
	}
	for n := 3; n < maxInherited; n++ { // there is no /dev/fd
		if isInherited(n) {
			highest = n
		}
	}
	return highest
}

func isInherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0) //nolint:gosec // small and not negative
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

func (g group) kill() { _ = syscall.Kill(-int(g), syscall.SIGKILL) }
