package wrap

import (
	"bytes"
	"context"
	"log/slog"
)

// A liner is a log handler that takes many lines at once, like the one of package logsink. It returns the memory that they take
// until they are written, or false if it takes lines only one by one.
type liner interface {
	HandleLines(level slog.Level, text []byte, attrs []slog.Attr) (size int, ok bool)
}

// mostLines limits the memory that a block of short lines takes in the log.
const mostLines = 4 << 10

// blocks returns the handler that takes lines of that level at once; nil if each line has to be examined, or there is none.
func (o *output) blocks(level slog.Level) liner {
	if o.JSON || o.level != nil || level == off {
		return nil
	}
	to, _ := o.to.log.Handler().(liner)
	return to
}

// awaited reports whether somebody waits for a line that matches ready.
func (o *output) awaited() bool {
	if o.ready == nil {
		return false
	}
	select {
	case <-o.matched:
		return false
	default:
		return true
	}
}

// block logs the complete lines at the beginning of b at once, and returns their size. It returns 0 if the next line has to be
// logged on its own.
func (s *stream) block(b []byte) int {
	if s.blocks == nil || len(s.rest) > 0 || s.continued || s.awaited() || !s.to.log.Handler().Enabled(context.Background(), s.usual) {
		return 0
	}
	n := s.short(b)
	if n == 0 {
		return 0
	}
	text := s.clean(b[:n])
	size, ok := s.blocks.HandleLines(s.usual, text, s.attrs)
	if !ok {
		s.blocks = nil
		return 0
	}
	s.noteEnd(text)
	s.logged(size)
	return n
}

// short returns the size of the complete lines at the beginning of b that are not longer than MaxLine.
func (s *stream) short(b []byte) (n int) {
	for range mostLines {
		end := bytes.IndexByte(b[n:], '\n')
		if end < 0 || end > s.MaxLine {
			break
		}
		n += end + 1
	}
	return n
}

// clean returns text with each line stripped.
func (s *stream) clean(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 && (s.ANSI || bytes.IndexByte(text, escape) < 0) {
		return text
	}
	s.cleaned = s.cleaned[:0]
	for line := range bytes.Lines(text) {
		s.cleaned = append(append(s.cleaned, s.stripped(line[:len(line)-1])...), '\n')
	}
	return s.cleaned
}

// noteEnd notes the last lines of text.
func (s *stream) noteEnd(text []byte) {
	var last [lastLines][]byte
	n := 0
	for n < lastLines && len(text) > 0 {
		text = text[:len(text)-1]
		begin := bytes.LastIndexByte(text, '\n') + 1
		if line := text[begin:]; len(bytes.TrimSpace(line)) > 0 {
			last[n] = line
			n++
		}
		text = text[:begin]
	}
	for i := n - 1; i >= 0; i-- {
		s.note(last[i])
	}
}
