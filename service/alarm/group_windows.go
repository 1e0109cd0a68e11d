package alarm

import (
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

const defaultPath = ""

func kept() []string {
	return []string{"PATH", "PATHEXT", "SystemRoot", "SystemDrive", "windir", "ComSpec", "TEMP", "TMP", "ProgramData", "USERPROFILE", "USERNAME", "COMPUTERNAME"}
}

func privileged() bool { return windows.GetCurrentProcessToken().IsElevated() }

// group is a command with all that it starts: a job object, which ends with its last
// handle, so that they die when we do, however we do.
type group windows.Handle

// startGroup starts cmd in a job object. It runs nothing before it is in there.
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
		_ = windows.CloseHandle(object)
		return 0, os.NewSyscallError("SetInformationJobObject", err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_NO_WINDOW | windows.CREATE_SUSPENDED,
	}
	if err := cmd.Start(); err != nil {
		_ = windows.CloseHandle(object)
		return 0, err
	}
	var failed error
	err = cmd.Process.WithHandle(func(handle uintptr) {
		failed = os.NewSyscallError("AssignProcessToJobObject", windows.AssignProcessToJobObject(object, windows.Handle(handle)))
	})
	if err == nil {
		err = failed
	}
	if err == nil {
		err = resume(uint32(cmd.Process.Pid)) //nolint:gosec // it was a DWORD
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = windows.CloseHandle(object)
		return 0, err
	}
	return group(object), nil
}

// resume has the one thread of a process begin that was created suspended.
func resume(pid uint32) error {
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return os.NewSyscallError("CreateToolhelp32Snapshot", err)
	}
	defer func() { _ = windows.CloseHandle(all) }()
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(all, &entry); err == nil; err = windows.Thread32Next(all, &entry) {
		if entry.OwnerProcessID != pid {
			continue
		}
		thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return os.NewSyscallError("OpenThread", err)
		}
		_, err = windows.ResumeThread(thread)
		_ = windows.CloseHandle(thread)
		return os.NewSyscallError("ResumeThread", err)
	}
	return os.NewSyscallError("Thread32Next", err)
}

func (g group) kill() { _ = windows.TerminateJobObject(windows.Handle(g), killedExit) }

// killedExit is the exit code of what we have killed.
const killedExit = 1

// onFirstThread is of no interest here: nobody is the reaper of orphans.
func onFirstThread() bool { return false }

// wait calls over when the command has ended: its children hold its output, which is
// waited for behind that.
func (g group) wait(cmd *exec.Cmd, over func()) error {
	_ = cmd.Process.WithHandle(func(handle uintptr) {
		_, _ = windows.WaitForSingleObject(windows.Handle(handle), windows.INFINITE)
	})
	over()
	err := cmd.Wait()
	_ = windows.CloseHandle(windows.Handle(g))
	return err
}
