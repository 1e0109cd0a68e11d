//go:build unix

package logsink

import (
	"fmt"
	"log/slog"
	"log/syslog"
)

// dialSyslog connects to the local syslog daemon. network and address are empty except in
// tests. After a lost connection, log/syslog connects again at the next line.
func dialSyslog(network, address, name string) (destination, error) {
	w, err := syslog.Dial(network, address, syslog.LOG_DAEMON, name)
	if err != nil {
		return nil, fmt.Errorf("connect to syslog: %w", err)
	}
	return &syslogWriter{w}, nil
}

type syslogWriter struct{ w *syslog.Writer }

func (s *syslogWriter) put(l line) error {
	switch l.level {
	case slog.LevelError:
		return s.w.Err(string(l.text))
	case slog.LevelWarn:
		return s.w.Warning(string(l.text))
	case slog.LevelInfo:
		return s.w.Info(string(l.text))
	}
	return s.w.Debug(string(l.text))
}

func (s *syslogWriter) close() error { return s.w.Close() }
