package main

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/internal/jobobject"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// requests delivers what asks the keeper to end its command.
func requests() (<-chan os.Signal, error) {
	stop, _, err := proc.Listen()
	return stop, err
}

// detach has a keeper outlive us, and take no ctrl-C of ours.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_NO_WINDOW}
}

// group is a command with all that it starts, which die when the keeper does, however it does.
type group struct{ jobobject.Job }

func startGroup(cmd *exec.Cmd) (group, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	j, err := jobobject.Start(cmd, 0)
	return group{j}, err
}

// terminate kills at once: there is nothing that all programs take for a request to end.
func (g group) terminate() { g.kill() }
func (g group) kill()      { g.Kill() }

func killed(*os.ProcessState) bool { return false }

// endLeftover has nothing to do: the job object has ended with its keeper.
func endLeftover(string) {}
