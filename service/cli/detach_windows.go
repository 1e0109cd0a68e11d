package cli

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// startApart starts a command without a console, and outside the job of this process, which
// may end everything in it. Some jobs do not let processes out, for example those of some
// remote shells. There the command starts nevertheless, and ends with the job.
func startApart(cmd func() *exec.Cmd) (*exec.Cmd, error) {
	const apart = windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP
	start := func(flags uint32) (*exec.Cmd, error) {
		c := cmd()
		c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: flags}
		return c, c.Start()
	}
	c, err := start(apart | windows.CREATE_BREAKAWAY_FROM_JOB)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		c, err = start(apart)
	}
	return c, err
}
