//go:build !unix && !windows

package cli

import "os/exec"

func startApart(cmd func() *exec.Cmd) (*exec.Cmd, error) {
	c := cmd()
	return c, c.Start()
}
