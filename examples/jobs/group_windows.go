package main

import (
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

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

// group is a command with all that it starts: a job object, which ends with its last handle, so
// that they die when the keeper does, however it does.
type group windows.Handle

func startGroup(cmd *exec.Cmd) (group, error) {
	object, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, os.NewSyscallError("CreateJobObject", err)
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(object, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		return 0, os.NewSyscallError("SetInformationJobObject", err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	// What the command starts before this is not in the job object: there is no way by os/exec to have it wait.
	err = cmd.Process.WithHandle(func(handle uintptr) {
		err := windows.AssignProcessToJobObject(object, windows.Handle(handle))
		if err != nil {
			_ = cmd.Process.Kill()
		}
	})
	return group(object), err
}

// terminate kills at once: there is nothing that all programs take for a request to end.
func (g group) terminate() { g.kill() }
func (g group) kill()      { _ = windows.TerminateJobObject(windows.Handle(g), killedExit) }

// killedExit is the exit code of what the task manager, taskkill or we have killed. A program
// of its own that exits with it cannot be told from those, so it counts as a failure.
const killedExit = 1

func killed(*os.ProcessState) bool { return false }

// endLeftover has nothing to do: the job object has ended with its keeper.
func endLeftover(string) {}
