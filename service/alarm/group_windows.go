package alarm

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/internal/jobobject"
)

const defaultPath = ""

func kept() []string {
	return []string{"PATH", "PATHEXT", "SystemRoot", "SystemDrive", "windir", "ComSpec", "TEMP", "TMP", "ProgramData", "USERPROFILE", "USERNAME", "COMPUTERNAME"}
}

func privileged() bool { return windows.GetCurrentProcessToken().IsElevated() }

// A group is a command with everything it starts. They die with this process, however it ends.
type group struct{ jobobject.Job }

func startGroup(cmd *exec.Cmd) (group, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_NO_WINDOW}
	j, err := jobobject.Start(cmd, 0)
	return group{j}, err
}

func (g group) kill() { g.Kill() }

// onFirstThread is always false: here this process is no reaper of orphans.
func onFirstThread() bool { return false }

// wait calls over when the command has ended. Its children may hold its output, and cmd.Wait
// waits for that.
func (g group) wait(cmd *exec.Cmd, over func()) error {
	_ = cmd.Process.WithHandle(func(handle uintptr) {
		_, _ = windows.WaitForSingleObject(windows.Handle(handle), windows.INFINITE)
	})
	over()
	err := cmd.Wait()
	_ = g.Close()
	return err
}
