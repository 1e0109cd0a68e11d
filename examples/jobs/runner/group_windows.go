package runner

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/internal/jobobject"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// requests delivers requests to the keeper to end its command.
func requests() (<-chan os.Signal, error) {
	stop, _, err := proc.Listen()
	return stop, err
}

// detach makes a keeper outlive this process, and keeps a ctrl-C of this process from it.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_NO_WINDOW}
}

// A group is a command with everything it starts. They die with the keeper, however it ends.
type group struct{ jobobject.Job }

func startGroup(cmd *exec.Cmd) (group, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	j, err := jobobject.Start(cmd, 0)
	return group{j}, err
}

// terminate kills at once: no request to end is understood by all programs.
func (g group) terminate() { g.kill() }
func (g group) kill()      { g.Kill() }

func killed(*os.ProcessState) bool { return false }

// endLeftover does nothing, because the job object has ended with its keeper.
func endLeftover(string) {}
