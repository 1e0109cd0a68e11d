package logsink

import (
	"os"
	"time"
)

// Outside replaces the world around a Sink.
type Outside struct {
	Stderr            *os.File
	Colour, InJournal bool
	Journal           func(message string, severity int, fields map[string]string) error
	Syslog            string // path of a datagram socket
	Now               func() time.Time
}

func OpenWith(name string, o Options, out Outside) (*Sink, error) {
	return open(name, o, outside{
		stderr:    out.Stderr,
		colour:    func() bool { return out.Colour },
		inJournal: func() bool { return out.InJournal },
		journal:   out.Journal,
		syslog:    func(name string) (outlet, error) { return dialSyslog("unixgram", out.Syslog, name) },
		now:       out.Now,
	})
}

var (
	Escape    = escape
	FieldName = fieldName
)
