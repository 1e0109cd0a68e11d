package logsink

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf16"
)

// reportEvent writes one event to the Event Log.
type reportEvent func(kind uint16, id uint32, text string) error

// openEvents opens the Event Log for the events of a source.
type openEvents func(source string) (report reportEvent, shut func() error, err error)

// The types of events that we use: EVENTLOG_..._TYPE in winnt.h.
const (
	eventError       = 1
	eventWarning     = 2
	eventInformation = 4
)

// eventLog is the destination for the Windows Event Log.
type eventLog struct {
	report reportEvent
	shut   func() error
	json   bool
}

func newEventLog(source string, json bool, open openEvents) (destination, error) {
	report, shut, err := open(source)
	if err != nil {
		return nil, err
	}
	return &eventLog{report, shut, json}, nil
}

func (e *eventLog) put(l line) error {
	kind, id := event(l.level)
	parts := cutEvent(withoutInserts(string(l.text), e.json))
	var errs []error
	for i, part := range parts {
		if len(parts) > 1 {
			part = fmt.Sprintf("(%d/%d) %s", i+1, len(parts), part)
		}
		errs = append(errs, e.report(kind, id, part))
	}
	return errors.Join(errs...)
}

func (e *eventLog) close() error { return e.shut() }

// event returns the type and the id of the events of a level.
func event(level slog.Level) (kind uint16, id uint32) {
	switch level {
	case slog.LevelError:
		return eventError, 1
	case slog.LevelWarn:
		return eventWarning, 2
	case slog.LevelInfo:
		return eventInformation, 3
	case slog.LevelDebug:
		return eventInformation, 4
	}
	return eventInformation, 5
}

// ReportEvent takes strings of up to 31,839 characters, which are units of UTF-16. Some of
// them are reserved for the number before a part.
const longestEvent = 31_839 - 20

// cutEvent cuts text into parts that fit into an event. It does not cut within a character.
func cutEvent(text string) []string {
	var parts []string
	begun, units := 0, 0
	for i, r := range text {
		n := max(1, utf16.RuneLen(r))
		if units += n; units > longestEvent {
			parts = append(parts, text[begun:i])
			begun, units = i, n
		}
	}
	return append(parts, text[begun:])
}

// withoutInserts escapes the "%" of "%1". The viewer would replace it by a string of the
// event, even within a string that it has inserted itself (ReportEventW).
func withoutInserts(text string, json bool) string {
	escape := `\x25`
	if json {
		escape = `\u0025`
	}
	var b strings.Builder
	for i := range len(text) {
		if text[i] == '%' && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
			b.WriteString(escape)
		} else {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
