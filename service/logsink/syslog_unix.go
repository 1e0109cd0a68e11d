//go:build unix

package logsink

import (
	"fmt"
	"log/syslog"

	"github.com/hashicorp/go-hclog"
)

// dialSyslog connects to the local syslog daemon; network and address are empty
// but in tests. A lost connection is made anew by log/syslog at the next line.
func dialSyslog(network, address, name string) (outlet, error) {
	w, err := syslog.Dial(network, address, syslog.LOG_DAEMON, name)
	if err != nil {
		return nil, fmt.Errorf("connect to syslog: %w", err)
	}
	return &syslogOutlet{w}, nil
}

type syslogOutlet struct{ w *syslog.Writer }

func (s *syslogOutlet) put(level hclog.Level, line []byte) error {
	switch level {
	case hclog.Error:
		return s.w.Err(string(line))
	case hclog.Warn:
		return s.w.Warning(string(line))
	case hclog.Info:
		return s.w.Info(string(line))
	}
	return s.w.Debug(string(line))
}

func (s *syslogOutlet) close() error { return s.w.Close() }
