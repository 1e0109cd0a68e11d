package logsink

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// sendJournal gives one entry to the journal, as journal.Send of go-systemd does.
type sendJournal func(message string, severity int, fields map[string]string) error

// journald is the systemd journal, as the SinkAdapter that sees a line as data
// and as the destination that gets it as text.
type journald struct {
	send    sendJournal
	name    string
	printer *printer
	out     *output

	mu sync.Mutex // one line at the printer
}

func newJournald(name string, send sendJournal) (*journald, error) {
	if send == nil {
		return nil, fmt.Errorf("the systemd journal: %w on this system", errors.ErrUnsupported)
	}
	return &journald{send: send, name: name}, nil
}

// Accept takes pairs whose keys are strings. Of keys that come down to the same
// field the last wins; the message has them all.
func (j *journald) Accept(name string, level hclog.Level, msg string, args ...any) {
	fields := make(map[string]string, len(args)/2+2)
	for i := 0; i+1 < len(args); i += 2 {
		fields[fieldName(args[i].(string))] = text(args[i+1])
	}
	fields["SYSLOG_IDENTIFIER"] = j.name
	if name != "" {
		fields["LOGGER"] = name
	}
	name, msg, args = j.printer.clean(name, msg, args)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.out.fields = fields
	j.printer.hclog.Accept(name, level, msg, args...)
}

func (j *journald) put(l line) error {
	return j.send(string(l.text), severity(l.level), l.fields)
}

// close leaves the socket alone: it is go-systemd's, and the journal's lines
// after Close do no harm.
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
