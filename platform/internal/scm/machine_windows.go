package scm

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Local is the local machine.
type Local struct{}

var _ Machine = Local{}

// failed adds the name of the call and the error code to an error.
func failed(call string, err error) error {
	if err == nil {
		return nil
	}
	e := &CallError{Call: call, Err: err}
	if no, ok := errors.AsType[windows.Errno](err); ok {
		e.Code = uint32(no)
	}
	return e
}

// A service is an open service.
type service struct{ windows.Handle }

// open opens a service with exactly these rights. The caller has to close it.
func open(name string, rights uint32) (service, error) {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return service{}, failed("OpenSCManager", err)
	}
	defer windows.CloseServiceHandle(manager) //nolint:errcheck // a handle
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return service{}, failed("OpenService", err)
	}
	h, err := windows.OpenService(manager, p, rights)
	return service{h}, failed("OpenService", err)
}

func (s service) close() { _ = windows.CloseServiceHandle(s.Handle) }

// Query returns the status of a service.
func (Local) Query(name string) (Status, error) {
	s, err := open(name, windows.SERVICE_QUERY_STATUS)
	if err != nil {
		return Status{}, err
	}
	defer s.close()
	var p windows.SERVICE_STATUS_PROCESS
	var needed uint32
	err = windows.QueryServiceStatusEx(s.Handle, windows.SC_STATUS_PROCESS_INFO, (*byte)(unsafe.Pointer(&p)), uint32(unsafe.Sizeof(p)), &needed)
	return Status{
		State: State(p.CurrentState), Accepts: p.ControlsAccepted, Win32Exit: p.Win32ExitCode, ServiceExit: p.ServiceSpecificExitCode,
		CheckPoint: p.CheckPoint, WaitHint: p.WaitHint, PID: int(p.ProcessId),
	}, failed("QueryServiceStatusEx", err)
}

// Start lets the SCM start a service.
func (Local) Start(name string) error {
	s, err := open(name, windows.SERVICE_START)
	if err != nil {
		return err
	}
	defer s.close()
	return failed("StartService", windows.StartService(s.Handle, 0, nil))
}

// Control sends a control to a service.
func (Local) Control(name string, c Control) error {
	rights := uint32(windows.SERVICE_STOP)
	switch c {
	case ControlParamChange:
		rights = windows.SERVICE_PAUSE_CONTINUE
	case ControlInterrogate:
		rights = windows.SERVICE_INTERROGATE
	}
	s, err := open(name, rights)
	if err != nil {
		return err
	}
	defer s.close()
	var status windows.SERVICE_STATUS
	return failed("ControlService "+c.String(), windows.ControlService(s.Handle, uint32(c), &status))
}

// Delete marks a service for deletion.
func (Local) Delete(name string) error {
	s, err := open(name, windows.DELETE)
	if err != nil {
		return err
	}
	defer s.close()
	return failed("DeleteService", windows.DeleteService(s.Handle))
}

// Dependents returns the active services that require this one.
func (Local) Dependents(name string) ([]string, error) {
	s, err := open(name, windows.SERVICE_ENUMERATE_DEPENDENTS)
	if err != nil {
		return nil, err
	}
	defer s.close()
	const most = 64 << 10 // the limit of EnumDependentServices
	buf := make([]windows.ENUM_SERVICE_STATUS, most/unsafe.Sizeof(windows.ENUM_SERVICE_STATUS{}))
	var needed, n uint32
	if err := windows.EnumDependentServices(s.Handle, windows.SERVICE_ACTIVE, &buf[0], most, &needed, &n); err != nil {
		return nil, failed("EnumDependentServices", err)
	}
	names := make([]string, n)
	for i := range names {
		names[i] = windows.UTF16PtrToString(buf[i].ServiceName)
	}
	return names, nil
}

// A process is a handle of a process.
type process struct{ windows.Handle }

// Process opens a process.
func (Local) Process(pid int) (Process, error) {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return nil, failed("OpenProcess", err)
	}
	return process{h}, nil
}

// Ended reports whether the process has ended.
func (p process) Ended() (bool, error) {
	event, err := windows.WaitForSingleObject(p.Handle, 0)
	if event == uint32(windows.WAIT_TIMEOUT) {
		return false, nil
	}
	return true, failed("WaitForSingleObject", err)
}

// Close closes the handle.
func (p process) Close() error { return windows.CloseHandle(p.Handle) }
