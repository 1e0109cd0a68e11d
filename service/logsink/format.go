package logsink

import (
	"bytes"
	"log/slog"
	"strings"
	"time"
)

// style says how lines look. In text, no part of a line can be taken for another line.
type style struct {
	json    bool
	colour  bool // for text only
	bare    bool // text without time and level, for a log that records them itself
	oneLine bool // values of several lines become one, for a log that cannot have such values
	now     func() time.Time
}

// render returns a line without its newline.
func (s style) render(level slog.Level, name, msg string, attrs []slog.Attr) []byte {
	if s.json {
		return s.object(level, name, msg, attrs)
	}
	b := make([]byte, 0, 256)
	if !s.bare {
		b = s.head(b, level)
	}
	b = append(b, escape(name, "")...)
	if name != "" && msg != "" {
		b = append(b, ": "...)
	}
	b = append(b, escape(msg, "")...)
	b = s.tail(b, attrs)
	if s.bare {
		b = bytes.TrimRight(b, " \n")
	}
	return b
}

// head appends the beginning of a line to b.
func (s style) head(b []byte, level slog.Level) []byte {
	b = s.now().AppendFormat(b, "2006-01-02T15:04:05.000Z0700 ")
	return s.paint(b, colour(level), bracket(level)+" ")
}

// tail appends the end of a line, which has its attributes, to b.
func (s style) tail(b []byte, attrs []slog.Attr) []byte {
	if len(attrs) > 0 {
		b = append(b, ':')
	}
	for _, a := range attrs {
		b = s.field(b, escape(a.Key, ""), a.Value)
	}
	return b
}

func (s style) field(b []byte, key string, v slog.Value) []byte {
	keep := "\n"
	if s.oneLine {
		keep = ""
	}
	value := display(v, keep)
	if !strings.Contains(value, "\n") {
		b = s.paint(append(b, ' '), "2;1", key)
		return append(s.paint(b, "2", "="), value...)
	}
	b = s.paint(append(b, "\n  "...), "2;1", key)
	b = s.paint(b, "2", "=\n")
	for line := range strings.Lines(value) {
		b = s.paint(b, "2", "  | ")
		b = append(append(b, strings.TrimSuffix(line, "\n")...), '\n')
	}
	return append(b, "  "...)
}

// paint appends text to b, in a colour of ECMA-48.
func (s style) paint(b []byte, colour, text string) []byte {
	if !s.colour {
		return append(b, text...)
	}
	b = append(append(append(b, "\x1b["...), colour...), 'm')
	return append(append(b, text...), "\x1b[0m"...)
}

// severity returns the number of a level in syslog(3), sd-daemon(3) and the journal.
func severity(l slog.Level) int {
	switch l {
	case slog.LevelError:
		return 3
	case slog.LevelWarn:
		return 4
	case slog.LevelInfo:
		return 6
	}
	return 7 // debug and trace
}

func bracket(l slog.Level) string {
	switch l {
	case slog.LevelError:
		return "[ERROR]"
	case slog.LevelWarn:
		return "[WARN] "
	case slog.LevelInfo:
		return "[INFO] "
	case slog.LevelDebug:
		return "[DEBUG]"
	}
	return "[TRACE]"
}

func colour(l slog.Level) string {
	switch l {
	case slog.LevelError:
		return "91"
	case slog.LevelWarn:
		return "93"
	case slog.LevelInfo:
		return "94"
	case slog.LevelDebug:
		return "97"
	}
	return "92"
}
