package wrap

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// levelTrace is the level trace of package logsink.
const levelTrace = slog.LevelDebug - 4

// off is the level of lines that are not logged.
const off = slog.Level(-100)

func levelNames() []string { return []string{"trace", "debug", "info", "warn", "error"} }

// levelOf returns the level that a word means, in the vocabularies of many programs.
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

// fieldsOf returns the level, the message and the fields of a line that is a JSON object.
func fieldsOf(line []byte, usual slog.Level) (level slog.Level, msg string, attrs []slog.Attr, ok bool) {
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return 0, "", nil, false
	}
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber() // a long number may be an identifier, and must not be rounded
	if decoder.Decode(&object) != nil {
		return 0, "", nil, false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) { // the line has more than one value
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
		attrs = append(attrs, attrOf(key, object[key], deepest))
	}
	return level, msg, attrs, true
}

// deepest limits how many nested objects become groups. In a text log, each field has the names of all its
// groups, so a short line with thousands of nested objects would grow to megabytes.
const deepest = 16

func attrOf(key string, value any, depth int) slog.Attr {
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 || depth == 0 {
		return slog.Any(key, value)
	}
	var attrs []slog.Attr
	for _, inner := range slices.Sorted(maps.Keys(object)) {
		attrs = append(attrs, attrOf(inner, object[inner], depth-1))
	}
	return slog.GroupAttrs(key, attrs...)
}
