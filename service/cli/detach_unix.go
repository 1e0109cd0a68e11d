//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

func startApart(cmd func() *exec.Cmd) (*exec.Cmd, error) {
	c := cmd()
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return c, c.Start()
}
