// Package logsink is where a service's log goes: a log/slog logger, and the same
// for users of hclog, that write to the systemd journal, syslog, the Windows Event
// Log, a rotated file or standard error, as the [service.log] table says.
//
// One level rules all loggers of a Sink, and it can change while they are in
// use; anything else in Options takes a new Sink. Whatever a caller logs, no
// part of it can pass for a line of its own: in text, control characters of
// names, messages, keys and values are written as escapes (\n, \x1b), and a
// value of several lines is set apart by an indented "|" in front of each. What
// a destination does not take (the journal is gone, the disk is full) goes to
// standard error behind the "<N>" of sd-daemon(3), rather than get lost.
//
// A log call never waits for the destination: a pipe that nobody reads, a terminal
// stopped by ctrl-S, a journal or syslog that is behind, a file on a hung mount
// hold up nothing but the log. Up to 8 MiB of lines wait, in order, in memory; what
// finds no room is dropped and counted, and "N lines were dropped" stands in its
// place. [Sink.Close] writes the rest, within a limit. What ends a process without it (a
// panic that nobody recovers, os.Exit, kill -9) loses the lines of the last instant.
//
// # Rotation
//
// A file is rotated by itself, by size. Where another program is to do it, as
// logrotate(8) does, the file is opened anew at a reload of the service and, at the
// latest a second after it was renamed, removed or replaced, by itself; the option
// copytruncate works as well, but loses what is written between its two steps.
//
//	/var/log/feedd/feedd.log {
//		weekly
//		rotate 8
//		compress
//		delaycompress
//		missingok
//		postrotate
//			feedd reload
//		endscript
//	}
//
// Set max_size_mb above what a week can bring, lest both rotate.
//
// # Linux notes
//
// The sink "auto" is the journal where $JOURNAL_STREAM says that standard error
// leads there (systemd.exec(5)). Keys become journal fields ("user-id" is
// USER_ID), the logger's name is LOGGER.
//
// # macOS notes
//
// The sink "auto" is standard error, which under launchd is the file that the
// property list names (package launchd); nobody rotates it, so a service that
// says much sets File. The sink syslog is the syslogd at /var/run/syslog. The
// unified log, os_log(3), is written by a library of Apple's that no Go program
// can call without cgo: it is not supported.
//
// # Windows notes
//
// There is no journald and no syslog. The sink eventlog writes to the log
// Application, with the service's name as source; that source belongs to
// %SystemRoot%\System32\EventCreate.exe, which has a message for each of our event
// ids: 1 error, 2 warning, 3 information, 4 debug, 5 trace (the last two are of
// the type information). A line that is longer than an event can be comes as
// several, numbered. "%1" and its like, for which the viewer would put something
// else, are written with an escape.
//
// File modes are translated as package files has it. While a program that does not
// share the file for deletion reads it, the file cannot be rotated: it grows.
package logsink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Sink is an open log. All its methods, and the loggers it gives, may be used
// by several goroutines.
type Sink struct {
	core   *core
	log    *logger
	closed atomic.Bool
}

// Open opens the log that o describes. name identifies the service in the
// journal, in syslog and in the Event Log.
//
// A bad option is a [*FieldError]; a sink that this system does not have is one
// that wraps [errors.ErrUnsupported]. A file is opened at once, and syslog is
// connected to, so that it fails here and not at the first line; the journal
// may come later.
func Open(name string, o Options) (*Sink, error) {
	return open(name, o, system())
}

func open(name string, o Options, out outside) (*Sink, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if name == "" {
		return nil, errors.New("open log: the name is empty")
	}
	c := &core{style: style{json: o.Format == "json", now: time.Now}}
	if out.now != nil {
		c.style.now = out.now
	}
	level, _ := parseLevel(o.Level) // Check did

	sink := o.sink(out.inJournal)
	var to destination
	var err error
	switch sink {
	case "stderr":
		c.style.colour = out.colour()
	case "journald":
		var j *journald
		j, err = newJournald(name, out.journal)
		to, c.fields, c.style.bare = j, j.fields, true
	case "syslog":
		to, err = out.syslog(name)
		c.style.bare, c.style.oneLine = true, true
	case "eventlog":
		to, err = newEventLog(name, c.style.json, out.events)
		c.style.bare = true
	case "file":
		to, err = out.file(o)
	}
	if err != nil {
		field := "sink"
		if sink == "file" {
			field = "file"
		}
		return nil, &FieldError{field, fmt.Errorf("open log for %q: %w", name, err)}
	}
	c.queue = &queue{to: to, stderr: out.stderr, bare: sink == "stderr", say: func(level slog.Level, text string) line {
		return c.line(level, "", text, nil)
	}}
	return &Sink{core: c, log: newLogger(c, level)}, nil
}

// Slog returns the logger. Levels below slog.LevelDebug are trace, in-between
// levels count as the next lower. A group is a dotted prefix of its keys. The time
// of a line is when it was written, not the record's, and source positions are left out.
func (s *Sink) Slog() *slog.Logger { return slog.New(&handler{core: s.core}) }

// Logger returns the same log as an [hclog.Logger] without a name; give parts of
// the program one by Named.
func (s *Sink) Logger() hclog.Logger { return s.log }

// SetLevel changes the level at once for every logger that this Sink ever gave,
// and all that were derived from them. Empty means info. A [*FieldError] says
// that there is no such level; the old one then stays.
func (s *Sink) SetLevel(level string) error {
	l, err := parseLevel(level)
	if err != nil {
		return err
	}
	s.log.SetLevel(l)
	return nil
}

// Flush waits until all that was logged before is written, or ctx ends; then the
// error wraps [os.ErrDeadlineExceeded].
func (s *Sink) Flush(ctx context.Context) error { return s.core.queue.flush(ctx) }

// Reopen opens a log file anew behind the lines that are logged already: another
// program has renamed it, and means this one to begin a new one. That happens by
// itself within a second, too. It does not wait. Where the file cannot be
// opened, lines go to standard error, and the first says why, until it can. Of
// other sinks it does nothing.
func (s *Sink) Reopen() { s.core.queue.reopen() }

// CloseTimeout is how long Close waits for a destination. It comes after the
// stop and its timeout, within the margin that managers leave for the exit.
const CloseTimeout = 2 * time.Second

// Close writes what waits and closes the file or connection. What is not written
// after [CloseTimeout] is given up, and the error wraps [os.ErrDeadlineExceeded].
// A line that is logged later goes to standard error. Closing again does nothing.
func (s *Sink) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), CloseTimeout)
	defer cancel()
	return s.core.queue.close(ctx)
}
