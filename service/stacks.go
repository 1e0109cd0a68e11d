package service

import (
	"context"
	"runtime"
	"strings"
	"time"
)

const (
	// stacksMost bounds the text of all stacks: some hundred thousand goroutines.
	stacksMost = 64 << 20
	// stacksAtOnce is how much of it the log gets before it has to have written
	// it: its queue holds a few times as much.
	stacksAtOnce = 1 << 20
	// stacksTime is how long the dump waits for the log, all in all. It is part
	// of the margin after which a manager kills.
	stacksTime = 5 * time.Second
)

// dumpStacks writes what every goroutine is doing to the log, one entry each.
func (l *life) dumpStacks() {
	ctx, cancel := context.WithTimeout(context.Background(), stacksTime)
	defer cancel()
	text, cut := stacks(1<<20, stacksMost)
	waiting := 0
	for stack := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		head, frames, _ := strings.Cut(stack, "\n")
		l.log.Error("still running: "+strings.TrimSuffix(head, ":"), "stack", frames)
		if waiting += len(stack); waiting > stacksAtOnce && ctx.Err() == nil {
			_ = l.sink.Flush(ctx) // a log that nobody takes tells itself what it drops
			waiting = 0
		}
	}
	if cut {
		l.log.Error("more is running than is shown here", "goroutines", runtime.NumGoroutine(), "bytes_shown", len(text))
	}
}

// stacks is the stacks of all goroutines, as much of them as fits into most bytes.
func stacks(first, most int) (text string, cut bool) {
	for size := first; ; size = min(4*size, most) {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		if n < size || size >= most {
			return string(buf[:n]), n == size
		}
	}
}
