//go:build windows

package windows_test

import (
	"errors"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/mgr"
)

// open opens the service in the SCM itself, without our command line. It must be closed before
// the service can be removed.
func (s *installed) open(t *testing.T) *mgr.Service {
	t.Helper()
	m, err := mgr.Connect()
	must(t, err)
	defer m.Disconnect() //nolint:errcheck // a handle
	service, err := m.OpenService(s.name)
	must(t, err)
	return service
}

// registered reports whether the SCM knows the service.
func (s *installed) registered(t *testing.T) bool {
	t.Helper()
	m, err := mgr.Connect()
	must(t, err)
	defer m.Disconnect() //nolint:errcheck // a handle
	service, err := m.OpenService(s.name)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return false
	}
	must(t, err)
	return service.Close() == nil
}

// query returns what the SCM knows about the service now. (Package mgr leaves out the
// checkpoint.)
func (s *installed) query(t *testing.T) (st windows.SERVICE_STATUS_PROCESS) {
	t.Helper()
	service := s.open(t)
	defer service.Close()
	var n uint32
	must(t, windows.QueryServiceStatusEx(service.Handle, windows.SC_STATUS_PROCESS_INFO,
		(*byte)(unsafe.Pointer(&st)), uint32(unsafe.Sizeof(st)), &n))
	return st
}

// begin makes the SCM start the service, and waits only for its turn: while Wine starts
// another service, it refuses a caller that has waited for three seconds.
func (s *installed) begin(t *testing.T) {
	t.Helper()
	service := s.open(t)
	defer service.Close()
	starts(t, service)
}

func starts(t *testing.T, service *mgr.Service) {
	t.Helper()
	var err error
	eventually(t, "it is this one's turn to start", func() bool {
		err = service.Start()
		return !errors.Is(err, windows.ERROR_SERVICE_DATABASE_LOCKED)
	})
	must(t, err)
}

// process returns a handle to a process, so that its PID cannot be given to another one.
func process(t *testing.T, pid int) windows.Handle {
	t.Helper()
	h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid))
	must(t, err)
	t.Cleanup(func() { _ = windows.CloseHandle(h) })
	return h
}

// gone reports whether a process has ended.
func gone(t *testing.T, h windows.Handle) bool {
	t.Helper()
	event, err := windows.WaitForSingleObject(h, 0)
	must(t, err)
	return event == windows.WAIT_OBJECT_0
}

// living reports whether a process with that PID exists now.
func living(pid int) bool {
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return false
	}
	defer windows.CloseHandle(h) //nolint:errcheck // a handle
	event, err := windows.WaitForSingleObject(h, 0)
	return err == nil && event != windows.WAIT_OBJECT_0
}

// kill is a power cut as far as the process sees.
func kill(t *testing.T, h windows.Handle) {
	t.Helper()
	must(t, windows.TerminateProcess(h, 9))
	if _, err := windows.WaitForSingleObject(h, uint32(soon.Milliseconds())); err != nil {
		t.Fatal(err)
	}
}

// onWine reports whether this Windows is Wine.
func onWine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}
