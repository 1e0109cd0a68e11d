package logsink

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// sendJournal sends one entry to the journal, like journal.Send of go-systemd.
type sendJournal func(message string, severity int, fields map[string]string) error

// journald is the destination for the systemd journal.
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

// mostFields limits the fields of an entry. It is a little less than what journald accepts;
// journald ignores an entry with more fields (ENTRY_FIELD_COUNT_MAX in systemd's
// src/libsystemd/sd-journal/journal-def.h).
const mostFields = 1000

// fields returns the fields of a line, up to mostFields. If several keys lead to the same
// field, the last one counts. The message has all keys.
func (j *journald) fields(name string, attrs []slog.Attr) map[string]string {
	fields := make(map[string]string, min(len(attrs), mostFields)+2)
	for _, a := range attrs[:min(len(attrs), mostFields)] {
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

// close does nothing, because the socket belongs to go-systemd.
func (j *journald) close() error { return nil }

// maxField is the length of the longest name that journald accepts for a field
// (journal_field_valid in systemd's src/libsystemd/sd-journal/journal-file.c).
const maxField = 64

// fieldName returns the name of the journal field for a key. It has only A-Z, 0-9 and _, and
// does not begin with a digit, nor with _, which would make it a trusted field
// (systemd.journal-fields(7)). It gets the prefix "X_" if it would begin with a digit, be
// empty, or be that of a field that the program must not set.
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
