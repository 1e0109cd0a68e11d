package bed

import (
	"bytes"
	"strings"
	"sync"
)

// consoleKeep limits how much of a console is kept, in bytes.
const consoleKeep = 256 << 10

// A console keeps the last part of a machine's console output, and watches for a mark in it.
// It is safe for concurrent use.
type console struct {
	mu    sync.Mutex
	text  []byte
	mark  []byte
	found chan struct{} // closed when the mark appears; nil: not watching
}

// Write never fails, and blocks only for other writers.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := max(0, len(c.text)-len(c.mark)) // the mark may be split between two writes
	c.text = append(c.text, p...)
	if c.found != nil && bytes.Contains(c.text[seen:], c.mark) {
		close(c.found)
		c.found = nil
	}
	if over := len(c.text) - consoleKeep; over > 0 {
		c.text = append(c.text[:0], c.text[over:]...)
	}
	return len(p), nil
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.text)
}

// lastLines returns the last n lines of s that are not empty, without carriage returns.
func lastLines(s string, n int) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimRight(line, " \r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
