package wrap

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// levelTrace is trace, as package logsink has it.
const levelTrace = slog.LevelDebug - 4

// off is the level of lines that are not logged.
const off = slog.Level(-100)

func levelNames() []string { return []string{"trace", "debug", "info", "warn", "error"} }

// levelOf is the level that a word stands for, in the languages that programs speak.
func levelOf(word string) (slog.Level, bool) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "off":
		return off, true
	case "trace", "finest", "finer", "verbose", "t":
		return levelTrace, true
	case "debug", "fine", "dbg", "d", ".":
		return slog.LevelDebug, true
	case "info", "information", "informational", "notice", "log", "i", "n", "-", "*":
		return slog.LevelInfo, true
	case "warn", "warning", "w", "#":
		return slog.LevelWarn, true
	case "error", "err", "severe", "critical", "crit", "fatal", "panic", "alert", "emerg", "emergency", "e", "f", "c":
		return slog.LevelError, true
	}
	return 0, false
}

// fieldsOf are the level, the message and the fields of a line that is a JSON object.
func fieldsOf(line []byte, usual slog.Level) (level slog.Level, msg string, attrs []slog.Attr, ok bool) {
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return 0, "", nil, false
	}
	var object map[string]any
	if json.Unmarshal(line, &object) != nil {
		return 0, "", nil, false
	}
	level = usual
	for _, key := range []string{"level", "lvl", "severity", "levelname", "@level"} {
		if word, is := object[key].(string); is {
			if l, known := levelOf(word); known {
				level = l
				delete(object, key)
				break
			}
		}
	}
	for _, key := range []string{"msg", "message", "@message", "event"} {
		if text, is := object[key].(string); is {
			msg = text
			delete(object, key)
			break
		}
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		attrs = append(attrs, attrOf(key, object[key]))
	}
	return level, msg, attrs, true
}

func attrOf(key string, value any) slog.Attr {
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 {
		return slog.Any(key, value)
	}
	var attrs []slog.Attr
	for _, inner := range slices.Sorted(maps.Keys(object)) {
		attrs = append(attrs, attrOf(inner, object[inner]))
	}
	return slog.GroupAttrs(key, attrs...)
}
