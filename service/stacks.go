package service

import (
	"context"
	"runtime"
	"strings"
	"time"
)

const (
	// stacksMost limits the text of all stacks, in bytes. It is enough for some hundred
	// thousand goroutines.
	stacksMost = 64 << 20
	// stacksAtOnce limits the bytes that are logged before the log has to be flushed. The
	// queue of the log holds a few times as much.
	stacksAtOnce = 1 << 20
	// stacksTime limits the time that the whole dump waits for the log. It is part of the
	// margin after which a manager kills the process.
	stacksTime = 5 * time.Second
)

// dumpStacks logs the stack of every goroutine, one entry each.
func (l *life) dumpStacks() {
	ctx, cancel := context.WithTimeout(context.Background(), stacksTime)
	defer cancel()
	text, cut := stacks(1<<20, stacksMost)
	waiting := 0
	for stack := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		head, frames, _ := strings.Cut(stack, "\n")
		l.log.Error("still running: "+strings.TrimSuffix(head, ":"), "stack", frames)
		if waiting += len(stack); waiting > stacksAtOnce && ctx.Err() == nil {
			_ = l.sink.Flush(ctx) // a log that drops entries says so itself
			waiting = 0
		}
	}
	if cut {
		l.log.Error("the list is cut off: more goroutines are running", "goroutines", runtime.NumGoroutine(), "bytes_shown", len(text))
	}
}

// stacks returns the stacks of all goroutines, and whether they were cut off after most bytes.
func stacks(first, most int) (text string, cut bool) {
	for size := first; ; size = min(4*size, most) {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		if n < size || size >= most {
			return string(buf[:n]), n == size
		}
	}
}
