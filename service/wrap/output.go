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

// A journal is the destination of lines: a logger, and a function that waits until it has written them.
type journal struct {
	log   *slog.Logger
	flush func(context.Context) error
}

// An output reads the output of one life of the command.
type output struct {
	Output
	to      journal
	level   *regexp.Regexp // nil: lines do not contain their level
	ready   *regexp.Regexp // nil: no line is waited for
	matched chan struct{}  // closed when a line has matched ready
	once    sync.Once
	hurry   context.Context // ends when there is no more time to wait for the log
	leave   context.CancelFunc

	writers []*os.File // our copies of the ends that the command writes to
	readers []*os.File
	done    sync.WaitGroup

	mu    sync.Mutex
	last  [lastLines][]byte // the last lines, for an error: a ring
	lines int               // number of lines so far
}

const (
	// chunk is how much is read at once. A command that prints much is slower if it has to wait for each
	// piece to be read, and this process if it has to wait for each piece to be written.
	chunk = 256 << 10
	// partialAfter is the time after which a line without an end is logged. It may be a question,
	// or show progress by dots.
	partialAfter = time.Second
	// mostAhead limits how much may wait for the log if no line may be dropped. Then the command
	// waits. There are two streams, and the log has room for three times as much.
	mostAhead = 1 << 20
	// drainWithin limits the time for what is left in the pipes, once nobody waits for the log any more.
	drainWithin = 500 * time.Millisecond
	// lineCost is the memory of a waiting line in addition to its text.
	lineCost = 256

	lastLines   = 10
	lastLineMax = 512
)

// newOutput begins to read. stdout and stderr are for the command. The caller calls begun once the
// command has started.
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
		enlarge(r, chunk)
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

// begun closes our copies of what only the command needs.
func (o *output) begun() {
	for _, w := range o.writers {
		_ = w.Close()
	}
}

// finish reads the rest of the output. It returns when all processes have closed their ends, or soon after
// limit, because some may belong to processes that we cannot end.
func (o *output) finish(limit time.Duration) {
	done := make(chan struct{})
	go func() { o.done.Wait(); close(done) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		o.leave() // if the log is behind, it drops lines and counts them
		// The readers may have waited for the log all the time, and the last lines are still in the pipes.
		timer.Reset(min(limit, drainWithin))
		select {
		case <-done:
		case <-timer.C:
			o.close()
			<-done
		}
	}
	o.leave()
	o.close()
}

func (o *output) close() {
	for _, r := range o.readers {
		_ = r.Close()
	}
}

// said returns the last lines of the command, for an error.
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

// A stream is one of the two, standard output or standard error.
type stream struct {
	*output
	usual slog.Level
	attrs []slog.Attr
	from  *os.File
	// blocks logs many lines at once; nil: lines are logged one by one.
	blocks  liner
	cleaned []byte // a buffer

	at        time.Time     // time of the last read, and of the lines in it
	rest      []byte        // a line that has not ended
	continued bool          // the beginning of the line was logged
	begun     []byte        // that beginning, as long as somebody waits for a line
	named     slog.Level    // the level of that beginning
	ahead     int           // size of what was logged since the last flush began
	flushed   chan struct{} // closed when the last flush has ended; nil: there was none
}

func (s *stream) read() {
	b := make([]byte, chunk)
	for {
		if len(s.rest) > 0 {
			_ = s.from.SetReadDeadline(time.Now().Add(partialAfter)) // if the pipe supports it
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

// take splits b into lines. A line that is longer than MaxLine is split.
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
	if cap(s.rest) > chunk/2 && len(s.rest) == 0 {
		s.rest = nil
	}
}

// whole returns the length of b without an incomplete character at its end.
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

// partial logs a line that has not ended. The rest of it is logged as its continuation.
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
	if s.awaited() && s.ready.Match(s.withBegun(b)) {
		s.once.Do(func() { close(s.matched) })
		s.begun = nil
	}
	if len(b) == 0 && s.continued {
		return // only the newline of a line that was logged
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
		level, msg = s.levelIn(b), string(b)
	}
	s.named = level
	if s.continued {
		attrs = append(attrs, slog.Bool("continued", true))
	}
	s.log(level, msg, append(attrs, s.attrs...))
	s.logged(len(b) + lineCost)
}

// logged counts what was logged. If no line may be dropped, it waits for the log as soon as that has to
// write more than mostAhead. It then has half of that left to write, so that neither idles.
func (s *stream) logged(size int) {
	if s.Full == "drop" {
		return
	}
	if s.ahead += size; s.ahead < mostAhead/2 {
		return
	}
	s.ahead = 0
	if s.flushed != nil {
		<-s.flushed
	}
	flushed := make(chan struct{})
	s.flushed = flushed
	go func() {
		_ = s.to.flush(s.hurry) // without more time, the log drops lines and counts them
		close(flushed)
	}()
}

// log does what slog.Logger.LogAttrs does, but does not get the time and the caller for each line.
func (s *stream) log(level slog.Level, msg string, attrs []slog.Attr) {
	h, ctx := s.to.log.Handler(), context.Background()
	if !h.Enabled(ctx, level) {
		return
	}
	r := slog.NewRecord(s.at, level, msg, 0)
	r.AddAttrs(attrs...)
	_ = h.Handle(ctx, r) // slog.Logger ignores the error, too
}

// withBegun returns a whole line up to and including b, of which a pause or its length may have separated
// the parts. Of a very long line it returns the end.
func (s *stream) withBegun(b []byte) []byte {
	if !s.continued {
		s.begun = s.begun[:0]
	}
	s.begun = append(s.begun, b...)
	s.begun = s.begun[max(0, len(s.begun)-2*s.MaxLine):]
	return s.begun
}

// levelIn returns the level that a line contains, or else that of the beginning of the line, or else the
// usual one.
func (s *stream) levelIn(line []byte) slog.Level {
	if s.output.level == nil {
		return s.usual
	}
	if m := s.output.level.FindSubmatch(line); len(m) > 1 {
		if l, ok := levelOf(string(m[1])); ok && l != off {
			return l
		}
	}
	if s.continued {
		return s.named
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

// withoutEscapes returns b without the escape sequences of ECMA-48: colours, cursor movements, window
// titles.
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
		case '[': // up to the final byte
			for i++; i < len(b) && (b[i] < 0x40 || b[i] > 0x7e); i++ {
			}
		case ']', 'P', '_', '^', 'X': // up to BEL or ESC \
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
