package scm

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/platform"
)

// connectWithin bounds the time from the connection to the SCM to its order to
// start, which it gives at once.
const connectWithin = time.Minute

// sessionNotification is WTSSESSION_NOTIFICATION.
type sessionNotification struct{ Size, SessionID uint32 }

// x/sys/windows/svc is not used: it hands the pointer that comes with an event to another
// goroutine, after the handler has returned and Windows has taken it back; its
// handler waits for the service's loop; and it cannot report a Win32 code of 0
// with a code of our own beside it.
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
	// Callbacks are never freed: there are two, as a process is started once.
	control := windows.NewCallback(func(c, eventType uint32, data unsafe.Pointer, _ uintptr) uintptr {
		session := 0
		if n := (*sessionNotification)(data); Control(c) == ControlSessionChange && n != nil {
			session = int(n.SessionID)
		}
		return uintptr(h.handle(Control(c), eventType, session))
	})
	started := make(chan error, 1)
	body := windows.NewCallback(func(argc uint32, argv **uint16) uintptr {
		h.mu.Lock()                                                             // a control may come before we know the handle
		service, err := windows.RegisterServiceCtrlHandlerEx(*argv, control, 0) // argv[0] is the service's name
		handle = service
		h.mu.Unlock()
		if err == nil {
			self := Registration{Name: windows.UTF16PtrToString(*argv)}
			_ = Local{}.getTexts(&self) // without them the defaults hold
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
		case code(err) == errNotService, code(err) == errAlreadyRunning: // the latter says that we have asked before
			err = ErrNotService
		case err == nil:
			err = errors.New("the service control manager let us go before it had started us")
		}
	case <-time.After(connectWithin):
		err = fmt.Errorf("the service control manager gave no order to start: %w", platform.ErrTimeout)
	}
	_ = h.Close(platform.ExitFailed) // nobody hears it
	return nil, err
}
