package logsink

import (
	"bytes"
	"io"
	"time"

	"github.com/hashicorp/go-hclog"
)

// style is how lines look.
type style struct {
	json    bool
	colour  bool             // for text only
	bare    bool             // text without time, for a log that keeps it by itself
	oneLine bool             // also values of several lines, for a log that cannot hold them
	now     func() time.Time // nil: time.Now
}

// printer renders lines by hclog, from data that cannot break out of its line.
type printer struct {
	hclog hclog.SinkAdapter
	json  bool
	keep  string // control characters that values of a text may have
	reset string // ends the colour of the level
}

// newPrinter returns a printer that writes each line in one call to w, and never
// two lines at once. A w that is a hclog.LevelWriter gets the level as well.
func newPrinter(w io.Writer, s style) *printer {
	opts := &hclog.LoggerOptions{
		Level:              hclog.Trace, // the logger has decided
		Output:             w,
		JSONFormat:         s.json,
		JSONEscapeDisabled: true, // no \u003c for "<": nobody puts it into HTML unread
		DisableTime:        s.bare && !s.json,
		TimeFn:             s.now,
	}
	if s.colour {
		// Not hclog.AutoColor, which forgets to switch off the colour of fields.
		opts.Color, opts.ColorHeaderAndFields = hclog.ForceColor, true
	}
	p := &printer{hclog: hclog.NewSinkAdapter(opts), json: s.json}
	if s.colour {
		// hclog leaves it open where standard output is no terminal (UnsetWriter
		// of fatih/color looks there), and the rest of the line would be coloured.
		p.reset = "\x1b[0m"
	}
	if !s.oneLine {
		p.keep = "\n" // hclog puts "  | " before each line of a value
	}
	return p
}

// Accept takes pairs whose keys are strings.
func (p *printer) Accept(name string, level hclog.Level, msg string, args ...any) {
	name, msg, args = p.clean(name, msg, args)
	p.hclog.Accept(name, level, msg, args...)
}

// output makes lines of what hclog writes.
type output struct {
	add    func(line)
	bare   bool // cut off the level, the destination has its own word for it
	fields map[string]string
	last   line
}

// bracket is the width of what hclog writes before a line without time, the same
// for every level: "[INFO]  ", "[DEBUG] ".
const bracket = len("[DEBUG] ")

// LevelWrite implements hclog.LevelWriter.
func (o *output) LevelWrite(level hclog.Level, text []byte) (int, error) {
	n := len(text)
	if o.bare {
		text = bytes.TrimRight(text[bracket:], " \n")
	} else {
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	o.add(line{level: level, text: bytes.Clone(text), fields: o.fields})
	return n, nil
}

// Write is what an hclog.LevelWriter must have, too; hclog does not call it.
func (o *output) Write(text []byte) (int, error) { return o.LevelWrite(hclog.Info, text) }

// clean returns the parts of a line in the form that may go to hclog. It is done
// before, because hclog would ask the values under its lock, and a String method
// that logs would wait for itself.
func (p *printer) clean(name, msg string, args []any) (string, string, []any) {
	clean := make([]any, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		if p.json {
			clean = append(clean, args[i], encoded(args[i+1]))
		} else {
			clean = append(clean, escape(args[i].(string), ""), printable(args[i+1], p.keep))
		}
	}
	if p.json {
		return name, msg, clean
	}
	name, msg = escape(name, ""), escape(msg, "")
	if name != "" {
		return p.reset + name, msg, clean
	}
	return name, p.reset + msg, clean
}
