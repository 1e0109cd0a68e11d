package logsink

import (
	"bytes"
	"encoding/binary"
	"log/slog"
)

// HandleLines logs each line of text as a message, like Handle but all of them at once. It is
// for callers that copy the output of another program. Each line of text ends with a newline,
// and attrs are the attributes of every line. HandleLines does not keep text. It returns
// approximately the memory that the lines take until they are written. If the lines of the log
// are not plain text, it does nothing and returns false.
func (h *handler) HandleLines(level slog.Level, text []byte, attrs []slog.Attr) (size int, ok bool) {
	c := h.core
	if c.style.json || c.style.bare {
		return 0, false
	}
	all := h.attrs[:len(h.attrs):len(h.attrs)]
	for _, a := range attrs {
		all = flatten(all, h.prefix, a)
	}
	level = round(level)
	p := pattern{head: c.style.head(nil, level), tail: c.style.tail(nil, all)}
	for len(text) > 0 {
		l := line{level: level, text: c.queue.buffer(p.size(text))}
		l.text, l.block, text = p.fill(l.text, text)
		size += l.cost()
		c.queue.add(l)
	}
	return size, true
}

// A pattern has what the lines of a block have in common.
type pattern struct{ head, tail []byte }

// size returns the size of the rendered lines of text, provided that nothing has to be
// escaped.
func (p pattern) size(text []byte) int {
	return len(text) + bytes.Count(text, []byte("\n"))*(len(p.head)+len(p.tail))
}

// fill appends lines of text to b, as many as are written to a file at once. It returns their
// number and the rest of text.
func (p pattern) fill(b, text []byte) (filled []byte, n int, rest []byte) {
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			end = len(text)
		}
		if n > 0 && len(b)+end+len(p.head)+len(p.tail) >= mostTogether {
			break
		}
		if n++; n > 1 {
			b = append(b, '\n')
		}
		b = append(b, p.head...)
		if message := text[:end]; printable(message) {
			b = append(b, message...)
		} else {
			b = append(b, escape(string(message), "")...)
		}
		b = append(b, p.tail...)
		text = text[min(end+1, len(text)):]
	}
	return b, n, text
}

// printable reports whether all of b is printable ASCII, which escape does not change. It
// examines eight bytes at a time, because all output passes through here.
func printable(b []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		if (w|(w+ones)|(w-' '*ones)&^w)&high != 0 { // one byte is above '~' or below a space
			return false
		}
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// buffer returns an empty buffer for a block of about that size. A buffer for a small block is
// not larger than needed, because many of them may wait.
func (q *queue) buffer(size int) []byte {
	if size < mostTogether/2 {
		return make([]byte, 0, size+1)
	}
	if b, ok := q.buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, mostTogether)
}

// recycle keeps the buffer of a written block for the next one.
func (q *queue) recycle(l line) {
	if l.block > 0 && cap(l.text) == mostTogether {
		q.buffers.Put(&l.text)
	}
}
