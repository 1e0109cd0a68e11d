package logsink

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// sendJournal gives one entry to the journal, as journal.Send of go-systemd does.
type sendJournal func(message string, severity int, fields map[string]string) error

// journald is the systemd journal.
type journald struct {
	send sendJournal
	name string
}

func newJournald(name string, send sendJournal) (*journald, error) {
	if send == nil {
		return nil, fmt.Errorf("the systemd journal: %w on this system", errors.ErrUnsupported)
	}
	return &journald{send, name}, nil
}

// fields are those of a line. Of keys that come down to the same field the last
// wins; the message has them all.
func (j *journald) fields(name string, attrs []slog.Attr) map[string]string {
	fields := make(map[string]string, len(attrs)+2)
	for _, a := range attrs {
		fields[fieldName(a.Key)] = text(a.Value.Any())
	}
	fields["SYSLOG_IDENTIFIER"] = j.name
	if name != "" {
		fields["LOGGER"] = name
	}
	return fields
}

func (j *journald) put(l line) error {
	return j.send(string(l.text), severity(l.level), l.fields)
}

// close leaves the socket alone: it is go-systemd's.
func (j *journald) close() error { return nil }

// Longest name of a field that journald takes (journal_field_valid in systemd's
// src/libsystemd/sd-journal/journal-file.c).
const maxField = 64

// fieldName makes a journal field of a key: A-Z, 0-9 and _, not beginning with
// a digit or, which would make it a trusted field, with _ (systemd.journal-fields(7)).
// "X_" goes before what would begin wrongly, be empty or pass for a field that
// is not the program's to set.
func fieldName(key string) string {
	name := strings.TrimLeft(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key), "_")
	switch {
	case name == "", name[0] <= '9',
		name == "MESSAGE", name == "PRIORITY", name == "LOGGER", strings.HasPrefix(name, "SYSLOG_"):
		name = "X_" + name
	}
	return name[:min(len(name), maxField)]
}
