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

// destination is where lines go. One goroutine at a time calls it, and may wait
// in it for as long as the world makes it.
type destination interface {
	put(l line) error // keeps nothing of it
	close() error
}

// line is a rendered line on its way to the destination.
type line struct {
	level  slog.Level
	text   []byte            // without the newline at its end
	fields map[string]string // for the journal
	turn   func()            // no line: what to do when all before it is written
	block  int               // number of lines in text, which is a buffer of the queue; 0: a single line
}

// cost is about the memory that a waiting line takes.
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

// mostWaiting bounds the memory of the lines that wait for a destination. The last
// quarter is for warnings and errors: much is said before a service gets into
// trouble, and what is said of the trouble matters more.
const mostWaiting = 8 << 20

// queue is between the loggers, which never wait, and the destination, which
// may hang: a pipe that nobody reads, a terminal that was stopped, a disk that
// is gone. What finds no room is dropped and counted, and the count is written
// where the lines would have been. What the destination does not take, or what
// comes after close, goes to stderr rather than get lost.
//
// There is no goroutine while there is nothing to write.
type queue struct {
	say func(level slog.Level, text string) line // makes a line of our own

	mu      sync.Mutex
	waiting []line
	size    int  // cost of the lines that wait or are being written
	dropped int  // since the last line that found room
	writing bool // there is a goroutine in write

	buffers sync.Pool // of blocks, *[]byte

	// Only the goroutine in write uses these.
	to     destination // nil: closed, or there is nothing but stderr
	joined []byte      // of what is written together
	stderr io.Writer
	bare   bool // stderr is the destination itself: no "<N>" before a line
}

// add never waits for the destination.
func (q *queue) add(l line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	room := mostWaiting
	switch {
	case l.level >= slog.LevelWarn:
	case q.dropped > 0: // rather one long gap than many short ones
		room = mostWaiting / 2
	default:
		room = mostWaiting * 3 / 4
	}
	cost := l.cost()
	// However long it is, a line finds an empty queue large enough.
	if l.turn == nil && q.size > 0 && q.size+cost > room {
		q.dropped += max(1, l.block)
		return
	}
	q.tellDropped() // also before a turn: behind that of close nobody would read it in the file
	if l.turn == nil {
		q.size += cost
	}
	q.waiting = append(q.waiting, l)
	if !q.writing {
		q.writing = true
		go q.write()
	}
}

// tellDropped must be called with mu held.
func (q *queue) tellDropped() {
	if q.dropped > 0 {
		n := q.say(slog.LevelWarn, fmt.Sprintf("%d lines were dropped: the log did not take them in time", q.dropped))
		q.dropped = 0
		q.size += n.cost()
		q.waiting = append(q.waiting, n)
	}
}

// write writes until nothing waits.
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

// mostTogether bounds the text that goes into a file at once.
const mostTogether = 64 << 10

// together is the first line of waiting with those of its level that follow it, and how many they are: a
// file that is behind takes them in one write. Where they are several, the text is in buffer.
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
	// One call, so that lines of other writers do not get in between. If this
	// fails, too, there is nowhere left to say it.
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

// turn has do called when all that was logged until now is written, and waits
// for the end of it, until ctx ends.
func (q *queue) turn(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	q.add(line{turn: func() { done <- do() }})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the log's destination does not take its lines: %w", os.ErrDeadlineExceeded)
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
