package wrap

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// journal is where lines go: a logger, and the way to wait until it has written them.
type journal struct {
	log   *slog.Logger
	flush func(context.Context) error
}

// output is the output of one life of the command.
type output struct {
	Output
	to      journal
	level   *regexp.Regexp // nil: lines name no level
	ready   *regexp.Regexp // nil: nobody waits for a line
	matched chan struct{}  // closed when a line has matched ready
	once    sync.Once
	hurry   context.Context // ends when nobody waits for the log any more
	leave   context.CancelFunc

	writers []*os.File // our copies of what the command writes to
	readers []*os.File
	done    sync.WaitGroup

	mu    sync.Mutex
	last  [lastLines][]byte // the last lines, for an error
	lines int               // how many there were
}

const (
	chunk = 64 << 10
	// A line that has not ended is logged after so long: somebody asks a question, or dots
	// show how far it has come.
	partialAfter = time.Second
	// So much may wait for the log before who writes has to wait, where nothing is to be
	// dropped; there are two streams, and the log has room for three times as much.
	mostAhead = 1 << 20
	// lineCost is what a line takes in there beside its text.
	lineCost = 256

	lastLines   = 10
	lastLineMax = 512
)

// newOutput begins to read. The command gets stdout and stderr, and whoever has started it calls
// begun.
func newOutput(o Options, to journal) (out *output, stdout, stderr *os.File, err error) {
	out = &output{Output: o.Output, to: to, matched: make(chan struct{})}
	out.hurry, out.leave = context.WithCancel(context.Background())
	for _, re := range []struct {
		text string
		into **regexp.Regexp
	}{{o.Output.Level, &out.level}, {o.Ready.Log, &out.ready}} {
		if re.text == "" {
			continue
		}
		if *re.into, err = regexp.Compile(re.text); err != nil {
			return nil, nil, nil, err
		}
	}
	for _, of := range []struct{ name, level string }{{"stdout", o.Output.Stdout}, {"stderr", o.Output.Stderr}} {
		r, w, err := os.Pipe()
		if err != nil {
			out.begun()
			out.close()
			return nil, nil, nil, err
		}
		out.readers, out.writers = append(out.readers, r), append(out.writers, w)
		s := stream{output: out, from: r}
		s.usual, _ = levelOf(of.level)
		s.blocks = out.blocks(s.usual)
		if of.name == "stderr" {
			s.attrs = []slog.Attr{slog.String("stream", of.name)}
		}
		out.done.Go(s.read)
	}
	return out, out.writers[0], out.writers[1], nil
}

// begun closes what only the command needs.
func (o *output) begun() {
	for _, w := range o.writers {
		_ = w.Close()
	}
}

// finish reads what is left and returns when the command's side is closed by all who had it, or
// after limit: then who still has it is nobody that we could end.
func (o *output) finish(limit time.Duration) {
	done := make(chan struct{})
	go func() { o.done.Wait(); close(done) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		o.leave() // the log is behind: what finds no room is dropped and counted
		o.close()
		<-done
	}
	o.leave()
	o.close()
}

func (o *output) close() {
	for _, r := range o.readers {
		_ = r.Close()
	}
}

// said is what the command said last, for an error.
func (o *output) said() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for i := max(0, o.lines-lastLines); i < o.lines; i++ {
		lines = append(lines, strings.ToValidUTF8(string(o.last[i%lastLines]), "\uFFFD"))
	}
	return strings.Join(lines, " | ")
}

func (o *output) note(line []byte) {
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	i := o.lines % lastLines
	o.last[i] = append(o.last[i][:0], line[:min(len(line), lastLineMax)]...)
	o.lines++
}

// stream is one of the two.
type stream struct {
	*output
	usual slog.Level
	attrs []slog.Attr
	from  *os.File
	// blocks takes many lines at once; nil: lines are logged one by one.
	blocks  liner
	cleaned []byte // a buffer

	at        time.Time // of the last read, and so of the lines in it
	rest      []byte    // a line that has not ended
	continued bool      // its beginning is logged already
	ahead     int       // what has been logged since the log was flushed
}

func (s *stream) read() {
	b := make([]byte, chunk)
	for {
		if len(s.rest) > 0 {
			_ = s.from.SetReadDeadline(time.Now().Add(partialAfter)) // where a pipe knows that
		}
		n, err := s.from.Read(b)
		s.at = time.Now()
		s.take(b[:n])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.partial()
			_ = s.from.SetReadDeadline(time.Time{})
		case err != nil:
			if len(s.rest) > 0 {
				s.line(s.rest)
			}
			return
		case len(s.rest) == 0:
			_ = s.from.SetReadDeadline(time.Time{})
		}
	}
}

// take splits b into lines; what is longer than MaxLine goes on in the next.
func (s *stream) take(b []byte) {
	for len(b) > 0 {
		if n := s.block(b); n > 0 {
			b = b[n:]
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			s.rest = append(s.rest, b...)
			for len(s.rest) > s.MaxLine {
				n := whole(s.rest[:s.MaxLine])
				s.line(s.rest[:n])
				s.continued = true
				s.rest = append(s.rest[:0], s.rest[n:]...)
			}
			return
		}
		line := b[:end]
		if len(s.rest) > 0 {
			s.rest = append(s.rest, line...)
			line = s.rest
		}
		for len(line) > s.MaxLine {
			n := whole(line[:s.MaxLine])
			s.line(line[:n])
			s.continued = true
			line = line[n:]
		}
		s.line(line)
		s.continued = false
		s.rest = s.rest[:0]
		b = b[end+1:]
	}
	if cap(s.rest) > 2*chunk && len(s.rest) == 0 {
		s.rest = nil
	}
}

// whole is the length of b without a character at its end that is cut in two.
func whole(b []byte) int {
	for n := len(b); n > len(b)-utf8.UTFMax && n > 0; n-- {
		if utf8.RuneStart(b[n-1]) {
			if !utf8.FullRune(b[n-1:]) && n > 1 {
				return n - 1
			}
			return len(b)
		}
	}
	return len(b)
}

// partial logs a line that has not ended; what comes is its continuation.
func (s *stream) partial() {
	if len(s.rest) == 0 {
		return
	}
	s.line(s.rest)
	s.continued, s.rest = true, s.rest[:0]
}

func (s *stream) line(b []byte) {
	b = s.stripped(b)
	s.note(b)
	if s.awaited() && s.ready.Match(b) {
		s.once.Do(func() { close(s.matched) })
	}
	if len(b) == 0 && s.continued {
		return // the newline of a line that is there already
	}
	level, msg, attrs := s.usual, "", []slog.Attr(nil)
	if level == off {
		return
	}
	parsed := false
	if s.JSON {
		level, msg, attrs, parsed = fieldsOf(b, s.usual)
	}
	if !parsed {
		level, msg = s.named(b), string(b)
	}
	if s.continued {
		attrs = append(attrs, slog.Bool("continued", true))
	}
	s.log(level, msg, append(attrs, s.attrs...))
	s.logged(len(b) + lineCost)
}

// logged counts what was logged, and waits for the log if too much is ahead of it and nothing may be dropped.
func (s *stream) logged(size int) {
	if s.Full == "drop" {
		return
	}
	if s.ahead += size; s.ahead >= mostAhead {
		s.ahead = 0
		_ = s.to.flush(s.hurry) // nobody waits any more: the log counts what it drops
	}
}

// log is slog.Logger.LogAttrs, which would ask for the time, and for who has called it, at each line.
func (s *stream) log(level slog.Level, msg string, attrs []slog.Attr) {
	h, ctx := s.to.log.Handler(), context.Background()
	if !h.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(s.at, level, msg, 0)
	r.AddAttrs(attrs...)
	_ = h.Handle(ctx, r) // as Logger has it
}

// named is the level that a line names.
func (s *stream) named(line []byte) slog.Level {
	if s.output.level == nil {
		return s.usual
	}
	if m := s.output.level.FindSubmatch(line); len(m) > 1 {
		if l, ok := levelOf(string(m[1])); ok && l != off {
			return l
		}
	}
	return s.usual
}

// stripped returns a line without a carriage return at its end, and without escape sequences unless they are wanted.
func (s *stream) stripped(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	if !s.ANSI {
		b = withoutEscapes(b)
	}
	return b
}

// escape begins sequences of ECMA-48.
const escape = 0x1b

// withoutEscapes is b without colours, movements of the cursor and titles of windows, ECMA-48.
func withoutEscapes(b []byte) []byte {
	const bell = 0x07
	i := bytes.IndexByte(b, escape)
	if i < 0 {
		return b
	}
	clean := append(make([]byte, 0, len(b)), b[:i]...)
	for ; i < len(b); i++ {
		if b[i] != escape {
			clean = append(clean, b[i])
			continue
		}
		if i++; i >= len(b) {
			break
		}
		switch b[i] {
		case '[': // to a letter or the like
			for i++; i < len(b) && (b[i] < 0x40 || b[i] > 0x7e); i++ {
			}
		case ']', 'P', '_', '^', 'X': // to BEL or ESC \
			for i++; i < len(b) && b[i] != bell; i++ {
				if b[i] == escape && i+1 < len(b) && b[i+1] == '\\' {
					i++
					break
				}
			}
		case '(', ')', '*', '+', '#', '%', ' ':
			i++
		}
	}
	return clean
}
