//go:build unix && !linux

package alarm

import (
	"os/exec"
	"syscall"
)

// confine: there is nothing here that ends the command with us.
func confine(*syscall.SysProcAttr) {}

// onFirstThread is of no interest here: nobody is the reaper of orphans.
func onFirstThread() bool { return false }

// wait calls over when the command has ended. As long as something is left of its group,
// no other one gets the number.
func (g group) wait(cmd *exec.Cmd, over func()) error {
	err := cmd.Wait()
	over()
	return err
}
