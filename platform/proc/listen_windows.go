package proc

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"
)

// eventName returns the name of the event for sending sig to id. Nobody can know it before the
// process exists.
func eventName(id Identity, sig os.Signal) (string, *uint16, error) {
	what := "stop"
	if sig == syscall.SIGHUP {
		what = "reload"
	}
	name := fmt.Sprintf(`Global\holdfast-%d-%x-%s`, id.PID, id.Start, what)
	p, err := windows.UTF16PtrFromString(name)
	return name, p, err
}

// ask sets the event of the process id. The caller must have a handle of the process.
func ask(id Identity, sig os.Signal) error {
	name, p, err := eventName(id, sig)
	if err != nil {
		return err
	}
	event, err := windows.OpenEvent(windows.EVENT_MODIFY_STATE, false, p)
	if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return ErrDeaf
	}
	if err != nil {
		return fmt.Errorf("open event %s: %w", name, err)
	}
	defer func() { _ = windows.CloseHandle(event) }()
	if err := windows.SetEvent(event); err != nil {
		return fmt.Errorf("set event %s: %w", name, err)
	}
	return nil
}

// A listener has the events of a listening process.
type listener struct {
	signals  []os.Signal
	events   []windows.Handle // one for each signal, and finally one that ends hear
	requests chan os.Signal
	quit     chan struct{}
	ended    chan struct{}
}

func listen() (<-chan os.Signal, func() error, error) {
	e := &listener{
		signals:  []os.Signal{syscall.SIGTERM, syscall.SIGHUP}, // by priority
		requests: make(chan os.Signal), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := e.open(); err != nil {
		e.close()
		return nil, nil, fmt.Errorf("listen to requests: %w", err)
	}
	go e.hear()
	return e.requests, sync.OnceValue(e.stop), nil
}

func (e *listener) open() error {
	self, err := Self()
	if err != nil {
		return err
	}
	private, err := Private()
	if err != nil {
		return err
	}
	for _, sig := range e.signals {
		name, p, err := eventName(self, sig)
		if err != nil {
			return err
		}
		event, err := windows.CreateEvent(private, 0, 0, p) // an auto-reset event
		if event != 0 {
			e.events = append(e.events, event)
		}
		switch {
		case errors.Is(err, windows.ERROR_ALREADY_EXISTS), errors.Is(err, windows.ERROR_ACCESS_DENIED), errors.Is(err, windows.ERROR_INVALID_HANDLE):
			return fmt.Errorf("event %s: %w by another process: %w", name, ErrSquatted, err)
		case err != nil:
			return fmt.Errorf("event %s: %w", name, err)
		}
	}
	end, err := windows.CreateEvent(nil, 0, 0, nil)
	if err == nil {
		e.events = append(e.events, end)
	}
	return err
}

// hear waits for events until stop is called.
func (e *listener) hear() {
	defer close(e.ended)
	for {
		n, err := windows.WaitForMultipleObjects(e.events, false, windows.INFINITE)
		if err != nil || int(n) >= len(e.signals) {
			return
		}
		select {
		case e.requests <- e.signals[n]:
		case <-e.quit:
			return
		}
	}
}

func (e *listener) stop() error {
	close(e.quit)
	err := windows.SetEvent(e.events[len(e.signals)])
	if err == nil {
		<-e.ended
		e.close()
	}
	return err
}

func (e *listener) close() {
	for _, event := range e.events {
		_ = windows.CloseHandle(event)
	}
}
