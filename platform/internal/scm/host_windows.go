package scm

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform"
)

// connectWithin limits the time between the connection to the SCM and its order to start,
// which normally comes at once.
const connectWithin = time.Minute

// sessionNotification is WTSSESSION_NOTIFICATION.
type sessionNotification struct{ Size, SessionID uint32 }

// listen does not use x/sys/windows/svc. That passes the pointer of an event to another
// goroutine, which reads it after the handler has returned and Windows has reclaimed it. Its
// handler waits for the service's loop. And it cannot report a code of our own together with
// the Win32 code 0.
func listen() (*Host, error) {
	if !bySCM() {
		return nil, ErrNotService
	}
	var handle windows.Handle // guarded by h.mu
	h := newHost(func(s Status) error {
		return failed("SetServiceStatus", windows.SetServiceStatus(handle, &windows.SERVICE_STATUS{
			ServiceType: windows.SERVICE_WIN32_OWN_PROCESS, CurrentState: uint32(s.State), ControlsAccepted: s.Accepts,
			Win32ExitCode: s.Win32Exit, ServiceSpecificExitCode: s.ServiceExit, CheckPoint: s.CheckPoint, WaitHint: s.WaitHint,
		}))
	})
	// Callbacks are never freed. There are only two, since a process is started once.
	control := windows.NewCallback(func(c, eventType uint32, data unsafe.Pointer, _ uintptr) uintptr {
		session := 0
		if n := (*sessionNotification)(data); Control(c) == ControlSessionChange && n != nil {
			session = int(n.SessionID)
		}
		return uintptr(h.handle(Control(c), eventType, session))
	})
	started := make(chan error, 1)
	body := windows.NewCallback(func(argc uint32, argv **uint16) uintptr {
		h.mu.Lock()                                                             // a control may arrive before the handle is known
		service, err := windows.RegisterServiceCtrlHandlerEx(*argv, control, 0) // argv[0] is the service's name
		handle = service
		h.mu.Unlock()
		if err == nil {
			self := Registration{Name: windows.UTF16PtrToString(*argv)}
			_ = Local{}.getTexts(&self) // without them the defaults apply
			h.introduce(self)
			err = h.change((*report).begin)
		}
		started <- failed("RegisterServiceCtrlHandlerEx", err)
		<-h.done
		return 0
	})
	ended := make(chan error, 1)
	go func() {
		table := []windows.SERVICE_TABLE_ENTRY{{ServiceName: new(uint16), ServiceProc: body}, {}}
		ended <- windows.StartServiceCtrlDispatcher(&table[0])
	}()
	var err error
	select {
	case err = <-started:
		if err == nil {
			return h, nil
		}
	case err = <-ended:
		err = failed("StartServiceCtrlDispatcher", err)
		switch {
		case code(err) == errNotService, code(err) == errAlreadyRunning: // the latter means that this process has connected before
			err = ErrNotService
		case err == nil:
			err = errors.New("the service control manager released this process before it started the service")
		}
	case <-time.After(connectWithin):
		err = fmt.Errorf("the service control manager gave no order to start: %w", platform.ErrTimeout)
	}
	_ = h.Close(platform.ExitFailed) // nobody receives the report
	return nil, err
}
