package jobobject

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Job is a command with all that it starts. Its processes are killed when its last handle is
// closed, which the end of this process does, however it comes about.
type Job windows.Handle

// Start starts cmd in a job object. It waits before its first instruction until it is in there,
// so that nothing it starts is outside. flags are further limits, JOB_OBJECT_LIMIT_...
func Start(cmd *exec.Cmd, flags uint32) (Job, error) {
	object, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, os.NewSyscallError("CreateJobObject", err)
	}
	j := Job(object)
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | flags},
	}
	_, err = windows.SetInformationJobObject(object, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		return 0, errors.Join(os.NewSyscallError("SetInformationJobObject", err), j.Close())
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_SUSPENDED
	if err := cmd.Start(); err != nil {
		return 0, errors.Join(err, j.Close())
	}
	if err := j.begin(cmd.Process); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return 0, errors.Join(err, j.Close())
	}
	return j, nil
}

// begin takes a new process in and has it run.
func (j Job) begin(p *os.Process) error {
	var assigned error
	err := p.WithHandle(func(handle uintptr) {
		assigned = os.NewSyscallError("AssignProcessToJobObject", windows.AssignProcessToJobObject(windows.Handle(j), windows.Handle(handle)))
	})
	if err := errors.Join(err, assigned); err != nil {
		return err
	}
	return resume(uint32(p.Pid)) //nolint:gosec // it was a DWORD
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
	return fmt.Errorf("process %d has no thread: %w", pid, err)
}

// Kill ends all its processes with exit code 1, as the task manager does. It does not wait.
func (j Job) Kill() { _ = windows.TerminateJobObject(windows.Handle(j), 1) }

// Close closes our handle of it.
func (j Job) Close() error {
	return os.NewSyscallError("CloseHandle", windows.CloseHandle(windows.Handle(j)))
}

// Alive is how many of its processes run.
func (j Job) Alive() (uint32, error) {
	var info struct {
		TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime int64
		TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses     uint32
	}
	err := windows.QueryInformationJobObject(windows.Handle(j), windows.JobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), nil)
	return info.ActiveProcesses, os.NewSyscallError("QueryInformationJobObject", err)
}
