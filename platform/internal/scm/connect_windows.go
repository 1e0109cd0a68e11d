package scm

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A process that connects while the SCM waits for another one to do so takes that
// one's place: event 7039, "A service process other than the one launched by the
// Service Control Manager connected". So somebody who starts us by hand would
// break the start of another service. We wait a little while one is being started
// that is not us: a service has its own number in the list, and does not wait.
const (
	othersTake  = 2 * time.Second
	othersEvery = 20 * time.Millisecond
)

func letOthersConnect() {
	for begun := time.Now(); time.Since(begun) < othersTake && othersStart(); {
		time.Sleep(othersEvery)
	}
}

// othersStart reports whether services are being started, all of them known to be
// other processes than we. It is not if it cannot be told.
func othersStart() bool {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_ENUMERATE_SERVICE)
	if err != nil {
		return false
	}
	defer windows.CloseServiceHandle(manager) //nolint:errcheck // a handle
	var n uint32
	buf, err := grow(func(b []byte, needed *uint32) error {
		var more uint32
		err := windows.EnumServicesStatusEx(manager, windows.SC_ENUM_PROCESS_INFO, windows.SERVICE_WIN32, windows.SERVICE_ACTIVE,
			&b[0], uint32(len(b)), &more, &n, nil, nil)
		if errors.Is(err, windows.ERROR_MORE_DATA) {
			*needed, err = uint32(len(b))+more, windows.ERROR_INSUFFICIENT_BUFFER
		}
		return err
	})
	if err != nil || n == 0 {
		return false
	}
	self, others := windows.GetCurrentProcessId(), false
	for _, s := range unsafe.Slice((*windows.ENUM_SERVICE_STATUS_PROCESS)(unsafe.Pointer(&buf[0])), n) {
		p := s.ServiceStatusProcess
		if p.ProcessId == self || p.CurrentState == windows.SERVICE_START_PENDING && p.ProcessId == 0 {
			return false
		}
		others = others || p.CurrentState == windows.SERVICE_START_PENDING
	}
	return others
}
