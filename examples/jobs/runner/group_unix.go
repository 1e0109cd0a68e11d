//go:build unix

package runner

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// requests delivers requests to the keeper to end its command. Signals of a terminal are not
// meant for it.
func requests() (<-chan os.Signal, error) {
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	return stop, nil
}

// detach makes a keeper outlive this process, even if the process group of this process is
// killed.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// A group is the number of the process group of a command and everything that it starts.
type group int

// startGroup starts a command in a process group of its own.
func startGroup(cmd *exec.Cmd) (group, error) {
	runtime.LockOSThread() // the command dies with this very thread
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	return group(cmd.Process.Pid), nil
}

func (g group) terminate() { _ = syscall.Kill(-int(g), syscall.SIGTERM) }
func (g group) kill()      { _ = syscall.Kill(-int(g), syscall.SIGKILL) }

// killed reports whether the process was ended by a signal from outside.
func killed(s *os.ProcessState) bool {
	status, ok := s.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return false
	}
	switch status.Signal() {
	case syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP:
		return true
	}
	return false
}

// endLeftover kills the remains of a command whose keeper was killed. The number of a group is
// not given to another process while the group has a member. So if no process has that number,
// and it is of this boot, the group is the command's or empty.
func endLeftover(dir string) {
	var id proc.Identity
	self, err := proc.Self()
	if err != nil || !readJSON(filepath.Join(dir, childFile), &id) || id.Boot != self.Boot || id.Space != self.Space || id.PID <= 1 {
		return
	}
	now, err := proc.Of(id.PID)
	if errors.Is(err, proc.ErrGone) || err == nil && now.Same(id) {
		group(id.PID).kill()
	}
}
