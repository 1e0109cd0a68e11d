package logsink

import (
	"fmt"

	"golang.org/x/sys/windows"
)

func openEventLog(source string) (reportEvent, func() error, error) {
	name, err := windows.UTF16PtrFromString(source)
	if err != nil {
		return nil, nil, err
	}
	log, err := windows.RegisterEventSource(nil, name)
	if err != nil {
		return nil, nil, fmt.Errorf("open the Event Log: %w", err)
	}
	report := func(kind uint16, id uint32, text string) error {
		p, err := windows.UTF16PtrFromString(text)
		if err != nil {
			return err
		}
		return windows.ReportEvent(log, kind, 0, id, 0, 1, 0, &p, nil)
	}
	return report, func() error { return windows.DeregisterEventSource(log) }, nil
}

// obeysEscapes switches on the terminal emulation of the console. It is off by default, and
// does not exist before Windows 10.
func obeysEscapes(fd uintptr) bool {
	console := windows.Handle(fd)
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	const wanted = windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	return mode&wanted == wanted || windows.SetConsoleMode(console, mode|wanted) == nil
}
