//go:build unix && !linux

package alarm

import (
	"os/exec"
	"syscall"
)

// confine does nothing: no other system can kill the command with the service.
func confine(*syscall.SysProcAttr) {}

// onFirstThread is always false: here this process is no reaper of orphans.
func onFirstThread() bool { return false }

// wait calls over when the command has ended. While anything of its group is left, no other
// group gets the number.
func (g group) wait(cmd *exec.Cmd, over func()) error {
	err := cmd.Wait()
	over()
	return err
}
