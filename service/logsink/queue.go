package logsink

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
)

// A destination is where lines go. Only one goroutine at a time calls it, and it may block for
// any time.
type destination interface {
	put(l line) error // keeps no part of l
	close() error
}

// A line is a rendered line on its way to the destination.
type line struct {
	level  slog.Level
	text   []byte            // without the newline at its end
	fields map[string]string // for the journal
	turn   func()            // called when all lines before are written; this is no line then
	block  int               // number of lines in text, which is a buffer of the queue; 0: a single line
}

// cost returns approximately the memory that a line takes while it waits.
func (l line) cost() int {
	n := len(l.text) + 256
	if l.block > 0 {
		n = cap(l.text) + 256
	}
	for k, v := range l.fields {
		n += len(k) + len(v) + 64
	}
	return n
}

// mostWaiting limits the memory of the lines that wait for a destination. The last quarter is
// reserved for warnings and errors: a service may log much before it gets into trouble, and
// the lines about the trouble matter more.
const mostWaiting = 8 << 20

// A queue connects the loggers, which never wait, with the destination, which may hang: a pipe
// that nobody reads, a terminal that was stopped, a disk that is gone. Lines for which there
// is no room are dropped and counted, and their number is written in their place. Lines that
// the destination does not accept, or that come after close, go to stderr.
//
// There is a goroutine only while there is something to write.
type queue struct {
	say func(level slog.Level, text string) line // makes a line of our own

	mu      sync.Mutex
	waiting []line
	size    int  // cost of the lines that wait or are being written
	dropped int  // since the last line that was queued
	writing bool // there is a goroutine in write

	buffers sync.Pool // of blocks, *[]byte

	// Only the goroutine in write uses these.
	to     destination // nil: closed, or there is nothing but stderr
	joined []byte      // of what is written together
	stderr io.Writer
	bare   bool // stderr is the destination itself, so lines have no prefix "<N>"
}

// add queues a line. It never waits for the destination.
func (q *queue) add(l line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	room := mostWaiting
	switch {
	case l.level >= slog.LevelWarn:
	case q.dropped > 0: // one long gap is better than many short ones
		room = mostWaiting / 2
	default:
		room = mostWaiting * 3 / 4
	}
	cost := l.cost()
	// An empty queue has room for a line of any length.
	if l.turn == nil && q.size > 0 && q.size+cost > room {
		q.dropped += max(1, l.block)
		return
	}
	q.tellDropped() // also before a turn: after that of close, it would not be in the file
	if l.turn == nil {
		q.size += cost
	}
	q.waiting = append(q.waiting, l)
	if !q.writing {
		q.writing = true
		go q.write()
	}
}

// tellDropped queues the number of dropped lines. It must be called with mu held.
func (q *queue) tellDropped() {
	if q.dropped > 0 {
		n := q.say(slog.LevelWarn, fmt.Sprintf("%d lines were dropped: the log did not accept them in time", q.dropped))
		q.dropped = 0
		q.size += n.cost()
		q.waiting = append(q.waiting, n)
	}
}

// write writes until no line waits.
func (q *queue) write() {
	var batch []line
	for {
		q.mu.Lock()
		clear(batch) // it may be long
		batch, q.waiting = q.waiting, batch[:0]
		if len(batch) == 0 {
			q.tellDropped()
			batch, q.waiting = q.waiting, nil
		}
		q.writing = len(batch) > 0
		if !q.writing && cap(batch) <= 64 {
			q.waiting = batch // for the next line; a long one is not worth its memory
		}
		q.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for rest := batch; len(rest) > 0; {
			if rest[0].turn != nil {
				rest[0].turn()
				rest = rest[1:]
				continue
			}
			l, n := rest[0], 1
			if _, file := q.to.(*fileWriter); file {
				l, n = together(rest, &q.joined)
			}
			q.put(l)
			cost := 0
			for _, l := range rest[:n] {
				cost += l.cost()
				q.recycle(l)
			}
			q.mu.Lock()
			q.size -= cost
			q.mu.Unlock()
			rest = rest[n:]
		}
	}
}

// mostTogether limits the text that is written to a file at once.
const mostTogether = 64 << 10

// together returns the first line of waiting joined with those of its level that follow it,
// and their number. So a file that is behind takes them in one write. If there are several,
// the text is in buffer.
func together(waiting []line, buffer *[]byte) (l line, n int) {
	l = waiting[0]
	size := len(l.text)
	for n = 1; n < len(waiting); n++ {
		next := waiting[n]
		size += 1 + len(next.text)
		if next.turn != nil || next.level != l.level || size > mostTogether {
			break
		}
	}
	if n == 1 {
		return l, 1
	}
	text := append((*buffer)[:0], l.text...)
	for _, next := range waiting[1:n] {
		text = append(append(text, '\n'), next.text...)
	}
	l.text, *buffer = text, text
	return l, n
}

func (q *queue) put(l line) {
	if q.to != nil && q.to.put(l) == nil {
		return
	}
	var text []byte
	if q.bare {
		text = append(l.text, '\n')
	} else {
		start := fmt.Appendf(nil, "<%d>", severity(l.level))
		text = bytes.ReplaceAll(l.text, []byte("\n"), append([]byte("\n"), start...))
		text = append(append(start, text...), '\n')
	}
	// One call, so that lines of other writers do not come between. Nobody can be told if this
	// fails, too.
	_, _ = q.stderr.Write(text)
}

func (q *queue) reopen() {
	q.add(line{turn: func() {
		if to, ok := q.to.(*fileWriter); ok {
			if err := to.reopen(); err != nil {
				q.put(q.say(slog.LevelError, "the log file cannot be opened: "+err.Error()))
			}
		}
	}})
}

// turn has do called when everything logged before is written, and waits until do has returned
// or ctx ends.
func (q *queue) turn(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	q.add(line{turn: func() { done <- do() }})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the log's destination does not accept its lines: %w", os.ErrDeadlineExceeded)
	}
}

func (q *queue) flush(ctx context.Context) error {
	return q.turn(ctx, func() error { return nil })
}

func (q *queue) close(ctx context.Context) error {
	return q.turn(ctx, func() error {
		to := q.to
		q.to = nil
		if to == nil {
			return nil
		}
		return to.close()
	})
}
