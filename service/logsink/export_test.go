package logsink

import (
	"log/slog"
	"os"
	"time"
)

// Outside replaces the world around a Sink.
type Outside struct {
	Stderr            *os.File
	Colour, InJournal bool
	Journal           func(message string, severity int, fields map[string]string) error
	Syslog            string // path of a datagram socket
	Event             func(kind uint16, id uint32, text string) error
	File              func(text []byte) error // a file that is written to by this; nil: a real one
	Now               func() time.Time
}

func OpenWith(name string, o Options, out Outside) (*Sink, error) {
	return open(name, o, outside{
		stderr:    out.Stderr,
		colour:    func() bool { return out.Colour },
		inJournal: func() bool { return out.InJournal },
		journal:   out.Journal,
		syslog:    func(name string) (destination, error) { return dialSyslog("unixgram", out.Syslog, name) },
		events: func(string) (reportEvent, func() error, error) {
			return out.Event, func() error { return nil }, nil
		},
		file: func(o Options) (destination, error) {
			if out.File != nil {
				return fakeFile(out.File), nil
			}
			return openFile(o)
		},
		now: out.Now,
	})
}

type fakeFile func([]byte) error

func (f fakeFile) put(l line) error { return f(l.text) }
func (f fakeFile) close() error     { return nil }

// MostWaiting is how much may wait for a destination.
const MostWaiting = mostWaiting

// OpenFile returns the destination of the sink file, without formatting.
func OpenFile(o Options) (put func(text []byte) error, shut func() error, err error) {
	f, err := openFile(o)
	if err != nil {
		return nil, nil, err
	}
	return func(text []byte) error { return f.put(line{text: text}) }, f.close, nil
}

var (
	Escape    = escape
	FieldName = fieldName
	CutEvent  = cutEvent
)

// Together returns how many of the lines, each with a level and a text, are written to a file
// at once, and their text.
func Together(levels []slog.Level, texts []string) (string, int) {
	var lines []line
	for i, level := range levels {
		lines = append(lines, line{level: level, text: []byte(texts[i])})
	}
	l, n := together(append(lines, line{turn: func() {}}), new([]byte))
	return string(l.text), n
}
