// Package logsink writes a service's log to the systemd journal, syslog, the Windows Event
// Log, a rotated file or standard error, as the table [service.log] says. It provides a
// log/slog logger, and the same log for users of hclog.
//
// All loggers of a [Sink] have one level, which can be changed at any time. Any other change
// of [Options] needs a new Sink.
//
// Nothing that a caller logs can be taken for a line of its own. In text, control characters
// in names, messages, keys and values are written as escapes (\n, \x1b), and each line of a
// value of several lines is indented and begins with "|".
//
// Lines that a destination does not accept, because the journal is gone or the disk is full,
// are written to standard error, with the prefix "<N>" of sd-daemon(3).
//
// # Logging never waits
//
// A log call never waits for the destination. A pipe that nobody reads, a terminal that was
// stopped with ctrl-S, a slow journal or a file on a mount that hangs delays only the log. Up
// to 8 MiB of lines wait in memory, in order. Further lines are dropped and counted, and the
// line "N lines were dropped" takes their place. [Sink.Close] writes the lines that wait,
// within a time limit. If a process ends without it (by a panic that nobody recovers, os.Exit
// or kill -9), the lines of the last moment are lost.
//
// # Rotation
//
// A file is rotated when it reaches max_size_mb. Another program may rotate it instead, such
// as logrotate(8). The file is then opened again when the service reloads, and in any case
// within a second after it was renamed, removed or replaced. The option copytruncate works as
// well, but loses the lines that are written between its two steps.
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
// Set max_size_mb to more than a week's log, so that only one of them rotates the file.
//
// # Linux notes
//
// The sink "auto" is the journal if $JOURNAL_STREAM says that standard error leads there
// (systemd.exec(5)). Keys become fields of the journal: "user-id" becomes USER_ID. The name of
// the logger is in the field LOGGER.
//
// # macOS notes
//
// The sink "auto" is standard error. Under launchd this is the file that the property list
// names. Nobody rotates it, so a service that logs much should set File. The sink syslog is
// the syslogd at /var/run/syslog. The unified log, os_log(3), is not supported: only a library
// of Apple's can write to it, and Go programs cannot call that without cgo.
//
// # Windows notes
//
// There is neither journald nor syslog. The sink eventlog writes to the log Application, with
// the service's name as the source. The messages of that source are in
// %SystemRoot%\System32\EventCreate.exe, which has one for each of our event ids: 1 error, 2
// warning, 3 information, 4 debug and 5 trace. The latter two have the type information. A
// line that is too long for one event is written as several numbered ones. "%1" and the like
// are escaped, because the viewer would replace them.
//
// File modes are translated as in package files. A file cannot be rotated while a program
// reads it that does not share it for deletion. It grows until then.
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

// A Sink is an open log. Its methods and loggers are safe for concurrent use.
type Sink struct {
	core   *core
	log    *logger
	closed atomic.Bool
}

// Open opens the log that o describes. name identifies the service in the journal, in syslog
// and in the Event Log.
//
// The error is a [*FieldError] if an option is invalid. It wraps [errors.ErrUnsupported] if
// this system does not have the sink. Open opens a file, and connects to syslog, so that a
// failure shows at once and not at the first line. The journal may become available later.
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
	level, _ := parseLevel(o.Level) // Check has returned its error

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

// Slog returns the logger. Levels below slog.LevelDebug count as trace, and any other level
// between two named ones counts as the lower one. The name of a group is a prefix of its keys,
// with a dot. A line has the time when it was logged, and not that of the record. It has no
// source position.
func (s *Sink) Slog() *slog.Logger { return slog.New(&handler{core: s.core}) }

// Logger returns the same log as an [hclog.Logger] without a name. Parts of a program can get
// loggers with names by Named.
func (s *Sink) Logger() hclog.Logger { return s.log }

// SetLevel changes the level of all loggers of the Sink, and of those derived from them, at
// once. An empty level means info. The error is a [*FieldError] if there is no such level; the
// old level then stays in force.
func (s *Sink) SetLevel(level string) error {
	l, err := parseLevel(level)
	if err != nil {
		return err
	}
	s.log.SetLevel(l)
	return nil
}

// Flush blocks until everything logged before is written, or ctx ends. In the latter case the
// error wraps [os.ErrDeadlineExceeded].
func (s *Sink) Flush(ctx context.Context) error { return s.core.queue.flush(ctx) }

// Reopen opens the log file again, after the lines that are logged already, because another
// program has renamed it. Without a call, that happens within a second. Reopen does not block.
// If the file cannot be opened, lines go to standard error until it can, and the first one
// says why. With other sinks Reopen does nothing.
func (s *Sink) Reopen() { s.core.queue.reopen() }

// CloseTimeout is how long Close waits for a destination. Close is called after the stop,
// within the margin that managers leave for the exit.
const CloseTimeout = 2 * time.Second

// Close writes the lines that wait, and closes the file or the connection. Lines that are not
// written within [CloseTimeout] are lost, and the error wraps [os.ErrDeadlineExceeded]. Lines
// that are logged later go to standard error. Further calls do nothing.
func (s *Sink) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), CloseTimeout)
	defer cancel()
	return s.core.queue.close(ctx)
}
