package logsink

import (
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Outside replaces the world around a Sink.
type Outside struct {
	Stderr            *os.File
	Colour, InJournal bool
	Journal           func(message string, severity int, fields map[string]string) error
	Syslog            string // path of a datagram socket
	Event             func(kind uint16, id uint32, text string) error
	Now               func() time.Time
}

func OpenWith(name string, o Options, out Outside) (*Sink, error) {
	return open(name, o, outside{
		stderr:    out.Stderr,
		colour:    func() bool { return out.Colour },
		inJournal: func() bool { return out.InJournal },
		journal:   out.Journal,
		syslog:    func(name string) (outlet, error) { return dialSyslog("unixgram", out.Syslog, name) },
		events: func(string) (reportEvent, func() error, error) {
			return out.Event, func() error { return nil }, nil
		},
		now: out.Now,
	})
}

// OpenFile is the sink file without a printer before it.
func OpenFile(o Options) (put func(line []byte) error, shut func() error, err error) {
	f, err := openFile(o)
	if err != nil {
		return nil, nil, err
	}
	return func(line []byte) error { return f.put(hclog.Info, line) }, f.close, nil
}

var (
	Escape    = escape
	FieldName = fieldName
	CutEvent  = cutEvent
)
