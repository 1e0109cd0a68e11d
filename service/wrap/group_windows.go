package wrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	defaultSignal = ""
	defaultKeys   = "ctrl-c"
	canNotify     = false
)

// isAbs reports whether a path is none of a directory's: one that begins with a slash is of the drive.
func isAbs(path string) bool {
	return filepath.IsAbs(path) || strings.HasPrefix(filepath.ToSlash(path), "/")
}

// group is a job object, which ends with its last handle, and so with us.
type group windows.Handle

func startGroup(cmd *exec.Cmd) (group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, os.NewSyscallError("CreateJobObject", err)
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		group(job).close()
		return 0, os.NewSyscallError("SetInformationJobObject", err)
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
	}
	// It waits before its first instruction, so that nothing it starts is outside of the job.
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_SUSPENDED
	if err := cmd.Start(); err != nil {
		group(job).close()
		return 0, err
	}
	err = cmd.Process.WithHandle(func(handle uintptr) { err = windows.AssignProcessToJobObject(job, windows.Handle(handle)) })
	if err == nil {
		err = resume(uint32(cmd.Process.Pid)) //nolint:gosec // a process id is one
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		group(job).close()
		return 0, err
	}
	return group(job), nil
}

// resume has the one thread of a new process begin.
func resume(pid uint32) error {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return os.NewSyscallError("CreateToolhelp32Snapshot", err)
	}
	defer func() { _ = windows.CloseHandle(snapshot) }()
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
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

func (g group) kill()  { _ = windows.TerminateJobObject(windows.Handle(g), 1) }
func (g group) close() { _ = windows.CloseHandle(windows.Handle(g)) }

// alive is how many processes the job has.
func (g group) alive() (uint32, error) {
	var info struct {
		TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime int64
		TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses     uint32
	}
	err := windows.QueryInformationJobObject(windows.Handle(g), windows.JobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), nil)
	return info.ActiveProcesses, os.NewSyscallError("QueryInformationJobObject", err)
}

// end kills all that there is of p, and returns when nobody is left or ctx ends.
func (s *spawner) end(ctx context.Context, p *process) error {
	for {
		p.group.kill()
		n, err := p.group.alive()
		if err != nil || n == 0 && p.hasEnded() {
			p.group.close()
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d processes: %w: they do not end", n, context.Cause(ctx))
		}
	}
}

var errNoSignals = errors.New("there are no signals on Windows")

func signalNamed(name string) (syscall.Signal, error) {
	return 0, fmt.Errorf("%q: %w", name, errNoSignals)
}

func (p *process) signal(name string, _ bool) error { return fmt.Errorf("%q: %w", name, errNoSignals) }

func outcomeOf(s *os.ProcessState) outcome { return outcome{code: s.ExitCode()} }

// controlCExit is how a program ends that has no handler for ctrl-C or ctrl-break: STATUS_CONTROL_C_EXIT.
const controlCExit = 0xC000013A

func (o outcome) asked(string) bool { return uint32(o.code) == controlCExit }
